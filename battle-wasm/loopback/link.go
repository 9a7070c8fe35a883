package loopback

import "github.com/edge-arena/edge-arena/battle-wasm/transport"

// link is one direction of the network: every packet takes as many ticks, and some are lost.
type link struct {
	delay  int
	loss   int // of 1000
	random uint64
	now    int
	ring   [][]packet // by the tick at which they arrive
	arrive func(addr transport.Addr, b []byte)
}

type packet struct {
	addr transport.Addr
	b    []byte
}

func newLink(delay, loss int, seed uint64, arrive func(transport.Addr, []byte)) *link {
	return &link{delay: delay, loss: loss, random: seed, ring: make([][]packet, delay+1), arrive: arrive}
}

func (l *link) send(addr transport.Addr, b []byte) {
	if below(&l.random, 1000) < l.loss {
		return
	}
	if l.delay == 0 {
		l.arrive(addr, b)
		return
	}
	at := &l.ring[(l.now+l.delay)%len(l.ring)]
	*at = append(*at, packet{addr: addr, b: append([]byte(nil), b...)})
}

// tick lets arrive what is due.
func (l *link) tick() {
	l.now++
	at := &l.ring[l.now%len(l.ring)]
	for _, p := range *at {
		l.arrive(p.addr, p.b)
	}
	*at = (*at)[:0]
}
