// Package sim is the battle itself: players who move, aim and shoot in an arena.
//
// It is pure: the same seed and the same calls give the same state, bit by bit, natively and in Wasm. There is no time but the tick, no
// randomness but the seed's, no input or output, and no floating point. Nothing allocates.
package sim

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

// Input is what a player does in a tick.
type Input struct {
	// MoveX and MoveY are direction and speed, -127 to 127; a vector longer than 127 is cut to that.
	MoveX, MoveY int8
	// Aim is the direction of sight: a full turn is 65536, 0 is along x.
	Aim uint16
	// Fire is whether the player wants to shoot.
	Fire bool
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
	// Health is 0 to [MaxHealth].
	Health int32
	// Score is the number of points.
	Score uint32

	cooldown int32 // ticks until the next shot
	respawn  int32 // ticks until the return
}

// Arena is one battle.
type Arena struct {
	// Tick counts the steps.
	Tick uint32
	// Players are the places, by number.
	Players [MaxPlayers]Player

	end           uint32
	width, height int32 // 1/Unit
	speed         int32 // 1/Unit a tick
	cooldown      int32 // ticks
	respawn       int32 // ticks
	rand          random
}

// Reset makes a new, empty arena of a.
func (a *Arena) Reset(c Config) {
	ticks := func(ms int) int32 { return int32(max(1, ms*c.TickRate/1000)) }
	*a = Arena{
		end:   c.EndTick,
		width: int32(c.Width * Unit), height: int32(c.Height * Unit),
		speed:    int32(playerSpeed * Unit / c.TickRate),
		cooldown: ticks(shotCooldown), respawn: ticks(respawnDelay),
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
	p.X = margin + int32(a.rand.below(uint32(a.width-2*margin)))
	p.Y = margin + int32(a.rand.below(uint32(a.height-2*margin)))
}

// Step runs one tick: all move, then all shots are fired at once, then all hits count. So nobody has an advantage from its number.
func (a *Arena) Step(inputs *[MaxPlayers]Input) {
	a.Tick++
	for i := range a.Players {
		if p := &a.Players[i]; p.Present {
			a.advance(p, &inputs[i])
		}
	}
	var targets [MaxPlayers]int
	for i := range a.Players {
		targets[i] = -1
		if p := &a.Players[i]; p.Alive && p.cooldown == 0 && inputs[i].Fire {
			p.Fired, p.cooldown = true, a.cooldown
			targets[i] = a.target(i)
		}
	}
	for i, target := range targets {
		if target >= 0 {
			a.hit(&a.Players[i], &a.Players[target])
		}
	}
}

// advance moves a player and its timers by a tick.
func (a *Arena) advance(p *Player, in *Input) {
	p.Fired, p.Hit = false, false
	p.cooldown = max(0, p.cooldown-1)
	if !p.Alive {
		if p.respawn--; p.respawn <= 0 {
			a.spawn(p)
		}
		return
	}
	p.Aim = in.Aim
	x, y := cut(int32(in.MoveX), int32(in.MoveY))
	const margin = playerRadius * Unit
	p.X = min(max(p.X+x*a.speed/moveFull, margin), a.width-margin)
	p.Y = min(max(p.Y+y*a.speed/moveFull, margin), a.height-margin)
}

// target gives the nearest player in the line of fire, or -1.
func (a *Arena) target(shooter int) int {
	s := &a.Players[shooter]
	dx, dy := direction(s.Aim)
	best, bestAlong := -1, int64(shotRange*Unit)
	for i := range a.Players {
		p := &a.Players[i]
		if i == shooter || !p.Alive {
			continue
		}
		x, y := int64(p.X-s.X), int64(p.Y-s.Y)
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
