package server

import (
	"testing"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// FuzzHandlePacket holds the server to this: whatever others send, from their own addresses, a player's battle goes on: its inputs are
// acknowledged, its place stays its own, and nobody gets an answer that is larger than its question before its address is known.
func FuzzHandlePacket(f *testing.F) {
	f.Add(byte(2), (&wire.Join{Nonce: 1}).AppendTo(nil))
	f.Add(byte(2), (&wire.Input{Token: 1, Seq: 1}).AppendTo(nil))
	f.Add(byte(3), (&wire.Leave{Token: 1}).AppendTo(nil))
	f.Add(byte(9), []byte{wire.Magic, wire.Version})
	f.Fuzz(func(t *testing.T, from byte, packet []byte) {
		m, s := start(t, func(c *config.Config) { c.MaxPlayers = 2 })
		p := join(t, m, s, addr(1))
		if addr(from) == p.addr {
			return
		}
		// The same packet with the true token in it, where a token would be: stolen, but from the wrong address.
		stolen := append([]byte(nil), packet...)
		if len(stolen) >= 11 {
			copy(stolen[3:], (&wire.Leave{Token: p.w.Token}).AppendTo(nil)[3:])
		}
		for _, b := range [][]byte{packet, stolen} {
			s.HandlePacket(addr(from), b)
			for _, answer := range m.answers(addr(from)) {
				if len(answer) > len(b) {
					t.Errorf("%d bytes answered by %d", len(b), len(answer))
				}
			}
		}
		p.input(nil)
		snap := p.snapshot()
		if snap.AckSeq != 1 || !snap.State.Players[p.w.Player].Present || snap.State.Players[1-p.w.Player].Present {
			t.Errorf("the player's battle has changed: %+v", snap)
		}
	})
}
