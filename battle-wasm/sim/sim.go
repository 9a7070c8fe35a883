// Package sim is the battle itself: players who move, aim and shoot in an arena.
//
// It is pure: the same seed and the same calls give the same state, bit by bit, natively and in Wasm. There is no time but the tick, no
// randomness but the seed's, no input or output, and no floating point. Nothing allocates.
//
// A player's time goes by its inputs: each moves it by a tick, whenever it comes, so a player can reckon where it will be (package predict) and is right unless
// something happens to it. How many inputs a player is granted is the server's business.
package sim

import "github.com/edge-arena/edge-arena/battle-wasm/rewind"

// MaxPlayers is the most players that an arena holds.
const MaxPlayers = 10

// Unit is a unit of length in the integers of this package: places are kept in 1/256 of a unit.
const Unit = 256

// The rules. Lengths are in units, times in ms.
const (
	MaxHealth      = 100
	playerRadius   = 16
	playerSpeed    = 240 // units a second
	shotRange      = 400
	shotDamage     = 20
	shotCooldown   = 250
	respawnDelay   = 2000
	rewindLimit    = 200 // how far back a shot is judged
	pointsPerKill  = 1
	moveFull       = 127 // a move vector of this length is full speed
	directionScale = 1 << directionBits
	directionBits  = 14
)

// Config is what an arena is made from.
type Config struct {
	// TickRate is the number of ticks a second.
	TickRate int
	// Width and Height are the arena's size in units.
	Width, Height int
	// Seed decides everything random.
	Seed uint64
	// EndTick is the tick after which the battle is over.
	EndTick uint32
}

// MaxInputs is the most inputs of a player that count in one tick. More than one come when the network held some up.
const MaxInputs = 8

// Inputs are what a player does in a tick, in order. Without any it stands still.
type Inputs struct {
	Count int
	List  [MaxInputs]Input
}

// Add appends an input and says whether there was room for it.
func (in *Inputs) Add(i Input) bool {
	if in.Count == MaxInputs {
		return false
	}
	in.List[in.Count] = i
	in.Count++
	return true
}

// Input is what a player does in a tick of its own.
type Input struct {
	// MoveX and MoveY are direction and speed, -127 to 127; a vector longer than 127 is cut to that.
	MoveX, MoveY int8
	// Aim is the direction of sight: a full turn is 65536, 0 is along x.
	Aim uint16
	// Fire is whether the player wants to shoot.
	Fire bool
	// View is the tick at which the player saw the others when it did so: what it shot at is judged by that. 0 is now.
	View uint32
}

// Player is the state of one player.
type Player struct {
	// Present is whether the place is taken at all; the rest means nothing where it is not.
	Present bool
	// Alive is whether the player is in the arena; otherwise it waits to come back.
	Alive bool
	// Fired and Hit are whether the player shot, or was hit, in the last tick.
	Fired, Hit bool
	// X and Y are the place, in 1/[Unit].
	X, Y int32
	// Aim is the direction of sight.
	Aim uint16
	// MoveX and MoveY are how it moved last, and Turn is by how much it turns with each input: it may well go on like that. A hand trembles, so Turn stays
	// what it was until a turn is the same as the one before, or differs from it by [tremble] or more.
	MoveX, MoveY int8
	Turn         int16
	// Lives counts how often the player has come into the arena, modulo 256: where it went on from is known while this is the same.
	Lives uint8
	// Health is 0 to [MaxHealth].
	Health int32
	// Score is the number of points.
	Score uint32

	cooldown int32 // inputs until the next shot
	respawn  int32 // ticks until the return
	still    int32 // ticks without an input
	turned   int16 // by the last input
}

// Arena is one battle.
type Arena struct {
	// Tick counts the steps.
	Tick uint32
	// Players are the places, by number.
	Players [MaxPlayers]Player

	end      uint32
	motion   Motion
	cooldown int32 // ticks
	respawn  int32 // ticks
	rewind   uint32
	rand     random
	history  rewind.History
}

// The players of an arena and of its history are the same.
var _ = [1]struct{}{}[MaxPlayers-rewind.Players]

// Reset makes a new, empty arena of a.
func (a *Arena) Reset(c Config) {
	ticks := func(ms int) int32 { return int32(max(1, ms*c.TickRate/1000)) }
	*a = Arena{
		end:      c.EndTick,
		motion:   NewMotion(c.TickRate, c.Width, c.Height),
		cooldown: ticks(shotCooldown), respawn: ticks(respawnDelay), rewind: uint32(ticks(rewindLimit)),
		rand: random(c.Seed),
	}
}

// Over is whether the battle has had its last tick.
func (a *Arena) Over() bool { return a.Tick >= a.end }

// EndTick is the tick after which the battle is over.
func (a *Arena) EndTick() uint32 { return a.end }

// Join puts a new player into an empty place.
func (a *Arena) Join(place int) {
	a.Players[place] = Player{Present: true}
	a.spawn(&a.Players[place])
}

// Leave empties a place.
func (a *Arena) Leave(place int) { a.Players[place] = Player{} }

func (a *Arena) spawn(p *Player) {
	const margin = playerRadius * Unit
	p.Alive, p.Health = true, MaxHealth
	p.Lives++
	p.MoveX, p.MoveY, p.Turn, p.turned = 0, 0, 0, 0
	p.X = margin + int32(a.rand.below(uint32(a.motion.width-2*margin)))
	p.Y = margin + int32(a.rand.below(uint32(a.motion.height-2*margin)))
}

// shot is one that has been fired: from where, in which direction, and what its player saw then.
type shot struct {
	fired bool
	x, y  int32
	aim   uint16
	view  uint32
}

// Step runs one tick: all move, then all shots are fired at once, then all hits count. So nobody has an advantage from its number.
func (a *Arena) Step(inputs *[MaxPlayers]Inputs) {
	a.Tick++
	var shots [MaxPlayers]shot
	for i := range a.Players {
		if p := &a.Players[i]; p.Present {
			a.advance(p, &inputs[i], &shots[i])
		}
	}
	var targets [MaxPlayers]int
	for i := range shots {
		targets[i] = -1
		if shots[i].fired {
			targets[i] = a.target(i, &shots[i])
		}
	}
	for i, target := range targets {
		if target >= 0 {
			a.hit(&a.Players[i], &a.Players[target])
		}
	}
	places := a.history.At(a.Tick)
	for i := range a.Players {
		p := &a.Players[i]
		places[i] = rewind.Place{X: p.X, Y: p.Y, Alive: p.Alive}
	}
}

// stillAfter is after how many ticks without an input a player is taken to stand still. Fewer are jitter.
const stillAfter = 8

// advance moves a player by its inputs, and its timers.
func (a *Arena) advance(p *Player, in *Inputs, s *shot) {
	p.Fired, p.Hit = false, false
	p.still++
	back := false // it has come back in this tick, and moves from the next on
	if !p.Alive {
		if p.respawn--; p.respawn <= 0 {
			a.spawn(p)
			back = true
		}
	}
	for i := range in.List[:in.Count] {
		p.still = 0
		p.cooldown = max(0, p.cooldown-1)
		if p.Alive && !back {
			a.act(p, &in.List[i], s)
		}
	}
	if p.still >= stillAfter {
		p.MoveX, p.MoveY, p.Turn, p.turned = 0, 0, 0, 0
	}
}

// tremble is more than a hand's trembling differs from one input to the next, in 1/65536 of a turn: 1.4 degrees.
const tremble = 256

// act is one input.
func (a *Arena) act(p *Player, in *Input, s *shot) {
	turned := int16(in.Aim - p.Aim)
	if off := turned - p.Turn; turned == p.turned || off >= tremble || off <= -tremble {
		p.Turn = turned
	}
	p.MoveX, p.MoveY, p.turned, p.Aim = in.MoveX, in.MoveY, turned, in.Aim
	p.X, p.Y = a.motion.Move(p.X, p.Y, in.MoveX, in.MoveY, 1)
	if in.Fire && p.cooldown == 0 && !p.Fired {
		p.Fired, p.cooldown = true, a.cooldown
		*s = shot{fired: true, x: p.X, y: p.Y, aim: p.Aim, view: in.View}
	}
}

// target gives the nearest player in the line of fire, or -1. Who is there now is asked; where it was, the shooter saw.
func (a *Arena) target(shooter int, s *shot) int {
	dx, dy := direction(s.aim)
	seen := a.history.Seen(rewind.Bound(s.view, a.Tick, a.rewind)) // none for this tick: then all are where they are
	best, bestAlong := -1, int64(shotRange*Unit)
	for i := range a.Players {
		p := &a.Players[i]
		if i == shooter || !p.Alive {
			continue
		}
		at := rewind.Place{X: p.X, Y: p.Y, Alive: true}
		if seen != nil {
			at = seen[i]
		}
		if !at.Alive {
			continue
		}
		x, y := int64(at.X-s.x), int64(at.Y-s.y)
		along := (x*dx + y*dy) >> directionBits
		aside := (x*dy - y*dx) >> directionBits
		if along > 0 && along < bestAlong && aside > -playerRadius*Unit && aside < playerRadius*Unit {
			best, bestAlong = i, along
		}
	}
	return best
}

func (a *Arena) hit(shooter, target *Player) {
	if !target.Alive {
		return // another shot of this tick was first
	}
	target.Hit = true
	if target.Health -= shotDamage; target.Health > 0 {
		return
	}
	target.Health, target.Alive, target.respawn = 0, false, a.respawn
	shooter.Score += pointsPerKill
}
