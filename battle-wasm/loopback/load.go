package loopback

import (
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// Load is a world whose players cost nothing: their packets of some seconds are made beforehand, and nobody reads what the server sends. So what a tick takes is the
// server's work alone.
type Load struct {
	w       *World
	packets [][][]byte // by player and tick
	tick    int
	// Sent are the packets that the server has sent, Bytes what is in them.
	Sent, Bytes int
}

// NewLoad returns the load of so many rooms, good for that many ticks.
func NewLoad(rooms, ticks int) (*Load, error) {
	w, err := New(Config{Rooms: rooms, Seed: 1, Delay: 2, Repeat: wire.MaxEarlier})
	if err != nil {
		return nil, err
	}
	l := &Load{w: w, packets: make([][][]byte, len(w.players))}
	// What players send is noted, and held back: the true link begins with the load.
	w.up.arrive = func(from transport.Addr, b []byte) {
		i := int(from.IP[2])<<8 | int(from.IP[3])
		l.packets[i] = append(l.packets[i], append([]byte(nil), b...))
	}
	w.up.delay = 0
	for n := range ticks {
		for _, p := range w.players {
			p.note(uint32(n))
		}
	}
	w.machine.count = l
	return l, nil
}

// note sends the next input as if the snapshots of two ticks before had just come, and those before had acknowledged all inputs but three.
func (p *player) note(tick uint32) {
	have := tick - min(tick, 2)
	if have > 0 {
		p.session.Pretend(have, p.seq-min(p.seq, 2))
	}
	p.input()
}

// Inputs hands the server the packets of a tick.
func (l *Load) Inputs() {
	l.w.machine.now += 1_000_000_000 / tickRate
	l.w.server.At(l.w.machine.now)
	for i, packets := range l.packets {
		l.w.server.HandlePacket(l.w.players[i].addr, packets[l.tick])
	}
	l.tick++
}

// Tick has the server do a tick.
func (l *Load) Tick() { l.w.server.Tick() }

// Left is how many ticks the load is good for still.
func (l *Load) Left() int { return len(l.packets[0]) - l.tick }
