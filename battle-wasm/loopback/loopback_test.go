package loopback

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func play(t *testing.T, cfg Config, ticks int) Outcome {
	t.Helper()
	w, err := New(cfg)
	require.NoError(t, err)
	for range 120 {
		w.Tick()
	}
	w.Record()
	for range ticks {
		w.Tick()
	}
	return w.Outcome()
}

// On a network that loses 5 % of the packets, repeated inputs are lost a hundred times less often than those that are sent once.
func TestRepeatedInputsAreHardlyEverLost(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3} {
		lossy := Config{Rooms: 1, Seed: seed, Delay: 3, Loss: 50}
		once := play(t, lossy, 6000)
		require.InDelta(t, 0.05, float64(once.Lost)/float64(once.Sent), 0.005, "the network loses what it should")
		lossy.Repeat = wire.MaxEarlier
		repeated := play(t, lossy, 6000)
		require.LessOrEqual(t, float64(repeated.Lost), 0.01*float64(once.Lost))
		require.Less(t, float64(repeated.Predictions.Wrong), 0.001*float64(repeated.Predictions.Checked), "nothing happens to a player that it did not reckon with")
		require.Greater(t, once.Predictions.Wrong, repeated.Predictions.Wrong, "who loses inputs is elsewhere")
	}
}

// Ten who move and shoot: a snapshot is a fifth of the whole state at most, and far below 200 bytes.
func TestSnapshotsAreSmall(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{}, {Delay: 2}, {Delay: 3, Loss: 50}} {
		cfg.Rooms, cfg.Seed, cfg.Repeat = 1, 4, wire.MaxEarlier
		var delta, whole []int
		sum, sumWhole := 0, 0
		for _, s := range play(t, cfg, 3000).Snapshots {
			delta, whole = append(delta, s.Bytes), append(whole, s.Whole)
			sum, sumWhole = sum+s.Bytes, sumWhole+s.Whole
			require.LessOrEqual(t, s.Bytes, 1200)
		}
		slices.Sort(delta)
		slices.Sort(whole)
		t.Logf("%+v: median %d of %d bytes, mean ratio %.3f", cfg, delta[len(delta)/2], whole[len(whole)/2], float64(sum)/float64(sumWhole))
		require.LessOrEqual(t, delta[len(delta)/2], 200)
	}
}

func TestTheSameSeedGivesTheSameBattle(t *testing.T) {
	t.Parallel()
	cfg := Config{Rooms: 2, Seed: 9, Delay: 1, Loss: 20, Repeat: 3}
	require.Equal(t, play(t, cfg, 200), play(t, cfg, 200))
}

// TestALoadDoesNotAllocate is the tick's steady state with all that belongs to it: ten players, packets in, snapshots out.
func TestALoadDoesNotAllocate(t *testing.T) {
	const ticks = 600
	l, err := NewLoad(3, ticks)
	require.NoError(t, err)
	turn := func() {
		l.Inputs()
		l.Tick()
	}
	for range 100 {
		turn()
	}
	require.Zero(t, testing.AllocsPerRun(ticks-102, turn))
	require.Equal(t, 3*10*(ticks-1), l.Sent)
	require.Less(t, l.Bytes/l.Sent, 80, "they are written against what players have")
	require.Zero(t, l.w.server.InputsLost())
}

// BenchmarkRoomTick is what one room of ten costs in a tick: its inputs, the simulation, its snapshots.
func BenchmarkRoomTick(b *testing.B) {
	const rooms, ticks = 60, 240
	l, err := NewLoad(rooms, ticks)
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		if n%rooms != 0 {
			continue // a tick is that of all rooms
		}
		if l.Left() == 0 {
			b.StopTimer()
			if l, err = NewLoad(rooms, ticks); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		l.Inputs()
		l.Tick()
	}
}
