package sim

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func config() Config {
	return Config{TickRate: 120, Width: 1000, Height: 600, Seed: 1, EndTick: 1 << 30}
}

// duel puts a shooter at (100, 100), looking along x, and a target beside it.
func duel(dx, dy int32) *Arena {
	a := &Arena{}
	a.Reset(config())
	a.Join(0)
	a.Join(1)
	a.Players[0].X, a.Players[0].Y = 100*Unit, 100*Unit
	a.Players[1].X, a.Players[1].Y = (100+dx)*Unit, (100+dy)*Unit
	return a
}

// step has each player do one thing.
func step(a *Arena, does [MaxPlayers]Input) {
	var inputs [MaxPlayers]Inputs
	for i := range does {
		inputs[i].Add(does[i])
	}
	a.Step(&inputs)
}

func TestShots(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		dx, dy int32
		aim    uint16
		hit    bool
	}{
		"straight ahead":   {dx: 200, hit: true},
		"grazed":           {dx: 200, dy: playerRadius - 1, hit: true},
		"just beside":      {dx: 200, dy: playerRadius + 1},
		"just in range":    {dx: shotRange - 1, hit: true},
		"out of range":     {dx: shotRange + 1},
		"behind":           {dx: -50},
		"a quarter turn":   {dy: 200, aim: 1 << 14, hit: true},
		"an eighth turn":   {dx: 150, dy: 150, aim: 1 << 13, hit: true},
		"looking away":     {dx: 200, aim: 1 << 15},
		"half a turn left": {dx: -60, aim: 1 << 15, hit: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := duel(tt.dx, tt.dy)
			step(a, [MaxPlayers]Input{{Aim: tt.aim, Fire: true}})
			require.True(t, a.Players[0].Fired)
			require.Equal(t, tt.hit, a.Players[1].Hit)
		})
	}
}

func TestNearestIsHitAndCoolsDown(t *testing.T) {
	t.Parallel()
	a := duel(200, 0)
	a.Join(2)
	a.Players[2].X, a.Players[2].Y = 180*Unit, 100*Unit
	fire := [MaxPlayers]Input{{Fire: true}}
	shots := 0
	for range 120 {
		step(a, fire)
		if a.Players[0].Fired {
			shots++
		}
		require.False(t, a.Players[1].Hit)
	}
	require.Equal(t, 1000/shotCooldown, shots)
	require.EqualValues(t, MaxHealth-4*shotDamage, a.Players[2].Health)
}

func TestDeathScoreAndReturn(t *testing.T) {
	t.Parallel()
	a := duel(200, 0)
	a.Players[1].Health = shotDamage
	step(a, [MaxPlayers]Input{{Fire: true}})
	require.False(t, a.Players[1].Alive)
	require.Zero(t, a.Players[1].Health)
	require.EqualValues(t, 1, a.Players[0].Score)
	dead := a.Players[1]
	for range respawnDelay*120/1000 - 1 {
		step(a, [MaxPlayers]Input{1: {MoveX: 127, Fire: true}})
		require.False(t, a.Players[1].Alive)
		require.Equal(t, dead.X, a.Players[1].X)
		require.False(t, a.Players[1].Fired)
	}
	step(a, [MaxPlayers]Input{})
	require.True(t, a.Players[1].Alive)
	require.EqualValues(t, MaxHealth, a.Players[1].Health)
}

func TestTwoShotsInOneTickScoreOnce(t *testing.T) {
	t.Parallel()
	a := duel(200, 0)
	a.Join(2)
	a.Players[2].X, a.Players[2].Y = 500*Unit, 100*Unit
	a.Players[1].Health = shotDamage
	step(a, [MaxPlayers]Input{0: {Fire: true}, 2: {Aim: 1 << 15, Fire: true}})
	require.EqualValues(t, 1, a.Players[0].Score+a.Players[2].Score)
}

func TestNobodyLeavesTheArenaOrIsTooFast(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 30, 120, 1000} {
		c := config()
		c.TickRate = rate
		a := &Arena{}
		a.Reset(c)
		a.Join(0)
		r := random(7)
		for range 5000 {
			before := a.Players[0]
			step(a, [MaxPlayers]Input{{MoveX: int8(r.below(255)) - 127, MoveY: int8(r.below(255)) - 127}})
			p := a.Players[0]
			require.True(t, p.X >= 0 && p.X <= 1000*Unit && p.Y >= 0 && p.Y <= 600*Unit, "%+v", p)
			way := math.Hypot(float64(p.X-before.X), float64(p.Y-before.Y))
			require.LessOrEqual(t, way, float64(playerSpeed*Unit/rate)+1)
		}
	}
}

func TestSine(t *testing.T) {
	t.Parallel()
	for angle := range 1 << 16 {
		want := math.Sin(float64(angle) * 2 * math.Pi / (1 << 16))
		require.InDelta(t, want, float64(sine(uint16(angle)))/directionScale, 1e-3, "angle %d", angle)
	}
}

func TestOver(t *testing.T) {
	t.Parallel()
	c := config()
	c.EndTick = 2
	a := &Arena{}
	a.Reset(c)
	step(a, [MaxPlayers]Input{})
	require.False(t, a.Over())
	step(a, [MaxPlayers]Input{})
	require.True(t, a.Over())
}

func TestStepDoesNotAllocate(t *testing.T) {
	a := duel(200, 0)
	in := [MaxPlayers]Input{{Fire: true, MoveX: 5}}
	require.Zero(t, testing.AllocsPerRun(1000, func() { step(a, in) }))
}

func TestWithoutInputsAPlayerStands(t *testing.T) {
	t.Parallel()
	a := duel(200, 0)
	step(a, [MaxPlayers]Input{{MoveX: 127}})
	p := a.Players[0]
	a.Step(&[MaxPlayers]Inputs{})
	require.Equal(t, p.X, a.Players[0].X)
	require.EqualValues(t, 127, a.Players[0].MoveX, "it may be the network")
	for range stillAfter {
		a.Step(&[MaxPlayers]Inputs{})
	}
	require.Zero(t, a.Players[0].MoveX)
}

// However the network bunches them: the same inputs lead to the same place.
func TestAllInputsOfATickCount(t *testing.T) {
	t.Parallel()
	evenly, bunched := duel(200, 0), duel(200, 0)
	var bunch [MaxPlayers]Inputs
	for i := range MaxInputs {
		in := Input{MoveX: int8(20 * i), MoveY: -100, Aim: uint16(i)}
		step(evenly, [MaxPlayers]Input{in})
		require.True(t, bunch[0].Add(in))
	}
	require.False(t, bunch[0].Add(Input{}))
	bunched.Step(&bunch)
	require.Equal(t, [3]int32{evenly.Players[0].X, evenly.Players[0].Y, int32(evenly.Players[0].Aim)},
		[3]int32{bunched.Players[0].X, bunched.Players[0].Y, int32(bunched.Players[0].Aim)})
	x, y := evenly.motion.Move(100*Unit, 100*Unit, 3, 4, 7)
	for range 7 {
		evenly.Players[0].X, evenly.Players[0].Y = 100*Unit, 100*Unit
	}
	wantX, wantY := int32(100*Unit), int32(100*Unit)
	for range 7 {
		wantX, wantY = evenly.motion.Move(wantX, wantY, 3, 4, 1)
	}
	require.Equal(t, [2]int32{wantX, wantY}, [2]int32{x, y})
}

// A target that runs across the line of fire is hit by who shoots at where it saw it, unless that is too long ago.
func TestShotsAreJudgedByWhatWasSeen(t *testing.T) {
	t.Parallel()
	const ago = 20 // ticks: 40 units of way at 120 Hz
	tests := map[string]struct {
		view uint32
		hit  bool
	}{
		"aimed at where it was seen":        {view: 100 - ago, hit: true},
		"aimed there, but it saw it as now": {view: 100},
		"nothing was seen":                  {view: 0},
		"a view from the future":            {view: 1 << 31},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := duel(200, 0)
			a.Players[1].Y = 300 * Unit
			for a.Tick < 100-ago {
				a.Step(&[MaxPlayers]Inputs{})
			}
			seen := a.Players[1]
			require.EqualValues(t, 300*Unit, seen.Y)
			a.Players[0].Y = seen.Y
			for a.Tick < 99 {
				step(a, [MaxPlayers]Input{1: {MoveY: 127}})
			}
			step(a, [MaxPlayers]Input{{Fire: true, View: tt.view}, {MoveY: 127}})
			require.True(t, a.Players[0].Fired)
			require.Equal(t, tt.hit, a.Players[1].Hit)
		})
	}
}

// No lag lets a player shoot at what was there longer ago than is granted.
func TestRewindIsBounded(t *testing.T) {
	t.Parallel()
	a := duel(200, 0)
	a.Step(&[MaxPlayers]Inputs{})
	for a.Tick < 99 {
		step(a, [MaxPlayers]Input{1: {MoveY: 127}})
	}
	step(a, [MaxPlayers]Input{{Fire: true, View: 1}})
	require.True(t, a.Players[0].Fired)
	require.False(t, a.Players[1].Hit)
}

func TestRoot(t *testing.T) {
	t.Parallel()
	for n := range int32(2*127*127 + 1) {
		require.EqualValues(t, math.Ceil(math.Sqrt(float64(n))), root(n))
	}
}

// BenchmarkStep is a tick of ten players who move and shoot.
func BenchmarkStep(b *testing.B) {
	a := &Arena{}
	a.Reset(config())
	r := random(3)
	var inputs [MaxPlayers]Inputs
	for i := range inputs {
		a.Join(i)
		inputs[i].Add(Input{})
	}
	for b.Loop() {
		for i := range inputs {
			inputs[i].List[0] = Input{MoveX: int8(r.below(255)) - 127, MoveY: 100, Aim: uint16(r.next()), Fire: true, View: a.Tick - 5}
		}
		a.Step(&inputs)
	}
}

// A trembling hand is no turn: what others reckon with stays what it was.
func TestTheTurnOfATremblingHand(t *testing.T) {
	t.Parallel()
	a := duel(0, 0)
	p := &a.Players[0]
	for _, step := range []struct{ by, turn int16 }{
		{40, 0},
		{-30, 0}, // it trembles
		{-30, -30},
		{-30, -30}, // it turns slowly, and evenly
		{20, -30},
		{-60, -30},
		{226, 226}, // it turns at once
		{-29, 226},
		{-30, -30},
	} {
		var inputs [MaxPlayers]Inputs
		inputs[0].Add(Input{Aim: p.Aim + uint16(step.by)})
		a.Step(&inputs)
		require.Equal(t, step.turn, p.Turn)
	}
	for range stillAfter {
		a.Step(&[MaxPlayers]Inputs{})
	}
	require.Zero(t, p.Turn)
}
