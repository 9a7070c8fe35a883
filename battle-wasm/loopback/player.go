package loopback

import (
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/predict"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// player is one of a world's players: it runs in one direction for a while, turns its aim, and fires now and then, as the bots do that load a city.
type player struct {
	w      *World
	addr   transport.Addr
	random uint64

	session *peer.Session
	self    *predict.Self
	place   int
	seq     uint32
	last    peer.Snapshot

	left int // inputs until the next change of mind
	turn uint16
	does wire.Command
}

// input sends what the player does next.
func (p *player) input() {
	if p.left == 0 {
		p.left = 20 + below(&p.random, 100)
		p.does.MoveX, p.does.MoveY = int8(below(&p.random, 255)-127), int8(below(&p.random, 255)-127)
		p.turn = uint16(below(&p.random, 1024) - 512)
	}
	p.left--
	p.does.Aim += p.turn
	if p.w.cfg.Jitter {
		p.does.Aim += uint16(below(&p.random, 129) - 64)
	}
	p.does.Buttons = 0
	if below(&p.random, 12) == 0 {
		p.does.Buttons = wire.ButtonFire
	}
	p.does.Seen = predict.Delay
	p.seq++
	in := wire.Input{Seq: p.seq, Command: p.does}
	p.session.Fill(&in, p.w.machine.now/1000)
	p.self.Did(in.Seq, &in.Command)
	p.w.sent++
	b := in.AppendTo(p.w.scratch[:0])
	p.w.inputBytes += len(b)
	p.w.up.send(p.addr, b)
}

// receive takes a packet of the server.
func (p *player) receive(b []byte) {
	if p.session == nil || !p.session.Take(b, p.w.machine.now/1000, &p.last) {
		return
	}
	p.self.Saw(&p.last.State.Players[p.place], p.last.AckSeq)
}
