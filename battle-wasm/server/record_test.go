package server

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// TestTheRecordedBattle plays a battle on the server, of players who come and go, over a network that loses every ninth packet and holds up others. What counted in it is in
// the log that package sim replays, natively and in Wasm: the server still makes the same of the same packets.
func TestTheRecordedBattle(t *testing.T) {
	t.Parallel()
	m, s := start(t, func(c *config.Config) { c.Rooms, c.Arena = 1, config.Arena{Width: 400, Height: 300} })
	var bots []*bot
	var l sim.Log
	r := s.room(0)
	enter := func(n byte) {
		b := join(t, m, s, addr(n))
		if len(bots) == 0 {
			l.Reset(sim.Config{TickRate: 120, Width: 400, Height: 300, Seed: r.seed, EndTick: r.arena.EndTick()})
		}
		l.Join(int(b.w.Player))
		bots = append(bots, b)
	}
	enter(0)
	held := map[int][][]byte{}
	for tick := range 720 {
		if n := len(bots); n < 6 && tick%10 == 0 {
			enter(byte(n))
		}
		if tick == 500 {
			bots[2].send(&wire.Leave{Token: bots[2].w.Token})
			l.Leave(int(bots[2].w.Player))
		}
		for i, b := range bots {
			if i == 2 && tick >= 500 {
				continue
			}
			b.seq++
			in := wire.Input{Seq: b.seq, Command: wire.Command{
				MoveX: int8((tick/40*37+i*61)%255 - 127), MoveY: int8((tick/50*53+i*29)%255 - 127), Aim: uint16(tick*(90+40*i) + i*8000), Seen: 2,
			}}
			if (tick+i)%5 == 0 {
				in.Buttons = wire.ButtonFire
			}
			b.c.Fill(&in, m.now/1000)
			switch packet := in.AppendTo(nil); {
			case (tick*7+i*5)%9 == 0: // lost
			case (tick+i)%13 == 0:
				held[i] = append(held[i], packet)
			default:
				s.At(m.now)
				s.HandlePacket(b.addr, packet)
				for _, late := range held[i] {
					s.HandlePacket(b.addr, late)
				}
				held[i] = nil
			}
		}
		m.now += second / 120
		s.Tick()
		l.Step(&s.inputs)
		for i, b := range bots {
			for _, packet := range m.answers(b.addr) {
				var snap peer.Snapshot
				if (tick+i)%9 != 0 {
					b.c.Take(packet, m.now/1000, &snap)
				}
			}
		}
	}
	again := &sim.Arena{}
	require.NoError(t, l.Replay(again, func() {}))
	require.Equal(t, r.arena.Hash(), again.Hash(), "the log is all that there is to the battle")
	const golden = "../sim/testdata/battle.log"
	if *update {
		require.NoError(t, os.WriteFile(golden, l, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.True(t, string(want) == string(l), "the battle is not the one in %s", golden)
}
