package snapshot

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
)

func codec() Codec { return NewCodec(sim.NewMotion(120, 1000, 600)) }

// states are those of a battle of ten, tick by tick; some leave and come back.
func states(n int) []State {
	rng := rand.New(rand.NewPCG(1, 2))
	a := &sim.Arena{}
	a.Reset(sim.Config{TickRate: 120, Width: 1000, Height: 600, Seed: 5, EndTick: 1 << 30})
	for i := range sim.MaxPlayers {
		a.Join(i)
	}
	var moves [sim.MaxPlayers]sim.Input
	all := make([]State, n)
	for t := range all {
		var inputs [sim.MaxPlayers]sim.Inputs
		for i := range inputs {
			if rng.IntN(50) == 0 {
				moves[i].MoveX, moves[i].MoveY = int8(rng.IntN(255)-127), int8(rng.IntN(255)-127)
			}
			moves[i].Aim += uint16(100 * i)
			moves[i].Fire = rng.IntN(12) == 0
			for range []int{1, 1, 1, 1, 0, 2, 3}[rng.IntN(7)] {
				inputs[i].Add(moves[i])
			}
		}
		if i := rng.IntN(1000); i < sim.MaxPlayers {
			a.Leave(i)
		} else if i -= 500; i >= 0 && i < sim.MaxPlayers && !a.Players[i].Present {
			a.Join(i)
		}
		a.Step(&inputs)
		all[t].Take(a)
	}
	return all
}

func TestStatesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	c := codec()
	all := states(3000)
	for n := range all {
		bases := []*State{{}}
		for _, back := range []int{1, 2, 7, 63} {
			if n >= back {
				bases = append(bases, &all[n-back])
			}
		}
		for _, base := range bases {
			b := c.Append(nil, &all[n], base)
			require.LessOrEqual(t, len(b), MaxSize)
			got := State{Tick: all[n].Tick}
			require.NoError(t, c.Read(b, &got, base))
			require.Equal(t, all[n], got)
			require.ErrorIs(t, c.Read(append(b, 0), &got, base), ErrMalformed)
		}
	}
}

func TestADifferenceIsSmall(t *testing.T) {
	t.Parallel()
	c := codec()
	all := states(1200)
	full, delta := 0, 0
	for n := range all[3:] {
		full += len(c.Append(nil, &all[n+3], &State{}))
		delta += len(c.Append(nil, &all[n+3], &all[n]))
	}
	require.Less(t, delta*2, full, "%d bytes of differences, %d of whole states", delta, full)
	same := all[10]
	same.Tick++
	for i := range same.Players {
		same.Players[i] = same.Players[i].Predict(c.motion, 1)
	}
	require.Len(t, c.Append(nil, &same, &all[10]), 2, "all go on as they did")

	trembling, present := same, 0
	for i := range trembling.Players {
		if p := &trembling.Players[i]; p.Present {
			p.Aim += uint16([]int{-512, 511}[i%2])
			present++
		}
	}
	require.Len(t, c.Append(nil, &trembling, &all[10]), (present*12+len(same.Players)-present+7)/8, "all go on as they did, but for their aims")
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	c := codec()
	tests := map[string]State{
		"beyond the right wall": {Players: [sim.MaxPlayers]Player{{Present: true, X: 1000*sim.Unit + 1}}},
		"beyond the left wall":  {Players: [sim.MaxPlayers]Player{{Present: true, X: -1}}},
		"below the floor":       {Players: [sim.MaxPlayers]Player{{Present: true, Y: -1}}},
		"above the ceiling":     {Players: [sim.MaxPlayers]Player{{Present: true, Y: 600*sim.Unit + 1}}},
		"more than healthy":     {Players: [sim.MaxPlayers]Player{{Present: true, Health: 101}}},
		"moving beyond -127":    {Players: [sim.MaxPlayers]Player{{Present: true, MoveX: -128}}},
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, c.Read(c.Append(nil, &s, &State{}), &State{}, &State{}), ErrMalformed)
		})
	}
	require.ErrorIs(t, c.Read(nil, &State{}, &State{}), ErrMalformed)
	// The aim of nobody, and nine places that are empty.
	require.ErrorIs(t, c.Read([]byte{trembles | 1<<2, 0, 0}, &State{}, &State{}), ErrMalformed)
}

func TestNothingAllocates(t *testing.T) {
	c := codec()
	all := states(2)
	b := make([]byte, 0, MaxSize)
	var got State
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b = c.Append(b[:0], &all[1], &all[0])
		got.Tick = all[1].Tick
		if err := c.Read(b, &got, &all[0]); err != nil {
			t.Error(err)
		}
	}))
}

// FuzzRead holds the reader to this: whatever comes in, it does not panic, and what it accepts is written and read again as the same state.
func FuzzRead(f *testing.F) {
	c := codec()
	all := states(200)
	f.Add(c.Append(nil, &all[100], &State{}))
	f.Add(c.Append(nil, &all[100], &all[99]))
	f.Add(c.Append(nil, &all[150], &all[99]))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, base := range []*State{{}, &all[99]} {
			s := State{Tick: base.Tick + 1}
			if c.Read(b, &s, base) != nil {
				continue
			}
			again := State{Tick: s.Tick}
			if err := c.Read(c.Append(nil, &s, base), &again, base); err != nil || again != s {
				t.Errorf("%x: %+v is %+v when written and read again: %v", b, s, again, err)
			}
		}
	})
}

// BenchmarkAppend writes one state of ten players against the one three ticks before.
func BenchmarkAppend(b *testing.B) {
	c := codec()
	all := states(1000)
	out := make([]byte, 0, MaxSize)
	for n := 0; b.Loop(); n++ {
		at := 3 + n%(len(all)-3)
		out = c.Append(out[:0], &all[at], &all[at-3])
	}
}
