package predict

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func motion() sim.Motion { return sim.NewMotion(120, 1000, 600) }

// world is a battle of one player whose snapshots come some inputs late.
type world struct {
	a     sim.Arena
	queue []snapshot.State
}

func newWorld() *world {
	w := &world{}
	w.a.Reset(sim.Config{TickRate: 120, Width: 1000, Height: 600, Seed: 1, EndTick: 1 << 30})
	w.a.Join(0)
	return w
}

func (w *world) step(c wire.Command, counts bool) {
	var in [sim.MaxPlayers]sim.Inputs
	if counts {
		in[0].Add(sim.Input{MoveX: c.MoveX, MoveY: c.MoveY})
	}
	w.a.Step(&in)
	var s snapshot.State
	s.Take(&w.a)
	w.queue = append(w.queue, s)
}

func TestPredictionIsRight(t *testing.T) {
	t.Parallel()
	const late = 6
	w, self := newWorld(), NewSelf(motion())
	for seq := uint32(1); seq <= 1000; seq++ {
		c := wire.Command{MoveX: int8(seq * 3), MoveY: int8(100 - seq%200)}
		if c.MoveX == -128 {
			c.MoveX = 0
		}
		self.Did(seq, &c)
		w.step(c, true)
		if seq > late {
			self.Saw(&w.queue[seq-1-late].Players[0], seq-late)
		}
	}
	require.Equal(t, int64(1000-late-1), self.Counts().Checked, "the first one is taken as it is")
	require.Zero(t, self.Counts().Wrong)
	x, y, known := self.At()
	require.True(t, known)
	require.Equal(t, [2]int32{w.a.Players[0].X, w.a.Players[0].Y}, [2]int32{x, y}, "it is where the server will say that it is")
}

func TestAWrongPredictionIsPutRight(t *testing.T) {
	t.Parallel()
	w, self := newWorld(), NewSelf(motion())
	right := wire.Command{MoveX: 127}
	for seq := uint32(1); seq <= 100; seq++ {
		self.Did(seq, &right)
		w.step(right, seq != 50) // that one does not count at the server: it was lost for good
		self.Saw(&w.queue[seq-1].Players[0], seq)
	}
	require.Equal(t, int64(1), self.Counts().Wrong, "only once: from then on it reckons from what is right")
	x, _, _ := self.At()
	require.Equal(t, w.a.Players[0].X, x)
}

func TestDeathAndReturnAreNoMistakes(t *testing.T) {
	t.Parallel()
	self := NewSelf(motion())
	c := wire.Command{MoveX: 127}
	self.Did(1, &c)
	self.Saw(&snapshot.Player{Present: true, Alive: true, X: 5000, Y: 6000, Lives: 1}, 1)
	self.Did(2, &c)
	self.Saw(&snapshot.Player{Present: true, X: 5000, Y: 6000, Lives: 1}, 2)
	_, _, known := self.At()
	require.False(t, known)
	self.Did(3, &c)
	self.Did(4, &c)
	self.Saw(&snapshot.Player{Present: true, Alive: true, X: 50000, Y: 6000, Lives: 2}, 3)
	x, _, known := self.At()
	require.True(t, known)
	require.EqualValues(t, 50000+512, x, "input 4 is applied to the new place")
	require.Zero(t, self.Counts().Wrong)
	self.Saw(&snapshot.Player{Present: true, Alive: true, X: 1, Y: 6000, Lives: 1}, 1)
	again, _, _ := self.At()
	require.Equal(t, x, again, "a late snapshot says nothing new")
}

func TestOthersAreShownBetweenTwoStates(t *testing.T) {
	t.Parallel()
	state := func(tick uint32, x int32, lives uint8) *snapshot.State {
		s := &snapshot.State{Tick: tick}
		s.Players[3] = snapshot.Player{Present: true, Alive: true, X: x, Y: 2 * x, Lives: lives}
		return s
	}
	var o Others
	require.Zero(t, o.View())
	o.Saw(state(10, 1000, 1))
	o.Saw(state(14, 5000, 1)) // 11 to 13 were lost
	o.Saw(state(12, 3000, 1)) // no: 12 was only late
	require.EqualValues(t, 12, o.View())
	for part, want := range map[int32]int32{0: 3000, 128: 3500, 255: 3996} {
		x, y, shown := o.At(3, 12, part)
		require.True(t, shown)
		require.Equal(t, want, x)
		require.InDelta(t, 2*want, y, 1)
	}
	x, _, shown := o.At(3, 13, 0)
	require.True(t, shown)
	require.EqualValues(t, 4000, x)
	_, _, shown = o.At(3, 14, 1)
	require.False(t, shown, "nobody knows the future")
	_, _, shown = o.At(4, 12, 0)
	require.False(t, shown, "nobody is there")
	o.Saw(state(15, 9000, 2))
	_, _, shown = o.At(3, 14, 128)
	require.False(t, shown, "it has come back elsewhere, and did not run there")
}
