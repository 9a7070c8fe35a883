package server

import (
	"math"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// room is one battle and its players. A room without players is free.
type room struct {
	id        uint16
	count     int
	battle    ticket.ID // all zero where bots measure
	startedAt int64     // ms since 1970
	arena     sim.Arena
	sent      sendTimes
	players   [sim.MaxPlayers]player
	roster    roster
	farewell  farewell
}

// measures says whether the battle is one of bots that measure: no result of it is kept.
func (r *room) measures() bool { return r.battle == ticket.ID{} }

// player is one place of a room, and the session of who has it.
type player struct {
	room  *room
	place int

	id       ticket.ID
	token    uint64 // 0 where the place is free
	nonce    uint64
	addr     transport.Addr
	lastSeen int64
	rate     pace

	seq        uint32 // of the newest input
	receivedAt int64  // when that came
	fresh      bool   // no snapshot has acknowledged it
	ackTick    uint32 // the tick of the newest snapshot that the player has had
	network    int64  // the newest measurement of the time to the player and back, in ns; -1 before the first
	input      sim.Input
	fire       bool // the trigger was pulled since the last tick, in whichever input
}

// The places of the simulation, the packets and the configuration are the same.
var _ = [1]struct{}{}[sim.MaxPlayers-wire.MaxPlayers]

func (r *room) init(id uint16) {
	r.id = id
	for i := range r.players {
		r.players[i] = player{room: r, place: i}
	}
}

func (p *player) present() bool { return p.token != 0 }

// take gives what the player does in this tick. Inputs do not wait in a queue: the newest counts, and holds for a while if none follows.
func (p *player) take(now int64) sim.Input {
	if !p.present() || now-p.receivedAt > holdInput {
		return sim.Input{Aim: p.input.Aim}
	}
	in := p.input
	in.Fire = in.Fire || p.fire
	p.fire = false
	return in
}

// wait is the time from the receipt of the newest input to now, in µs.
func (p *player) wait(now int64) uint32 {
	if p.seq == 0 {
		return 0
	}
	return uint32(min(max(0, (now-p.receivedAt)/1000), math.MaxUint32))
}

// describe fills a snapshot with what is the same for all who get it.
func (r *room) describe(s *wire.Snapshot) {
	s.Tick, s.EndTick = r.arena.Tick, r.arena.EndTick()
	s.Count = 0
	for i := range r.arena.Players {
		p := &r.arena.Players[i]
		if !p.Present {
			continue
		}
		s.Players[s.Count] = wire.Player{
			ID: uint8(i), Flags: flags(p), X: uint16(p.X / (sim.Unit / 16)), Y: uint16(p.Y / (sim.Unit / 16)),
			Aim: p.Aim, Health: uint8(p.Health), Score: uint16(min(p.Score, math.MaxUint16)),
		}
		s.Count++
	}
}

func flags(p *sim.Player) wire.Flags {
	var f wire.Flags
	if p.Alive {
		f |= wire.FlagAlive
	}
	if p.Fired {
		f |= wire.FlagFired
	}
	if p.Hit {
		f |= wire.FlagHit
	}
	return f
}

func (r *room) freePlace() *player {
	for i := range r.players {
		if p := &r.players[i]; !p.present() {
			return p
		}
	}
	return nil
}

// startBattle begins a battle in a free room.
func (s *Server) startBattle(r *room, id ticket.ID) {
	s.metrics.battlesStarted++
	r.battle, r.startedAt, r.roster.count, r.sent = id, s.clock.Wall(), 0, sendTimes{}
	r.arena.Reset(sim.Config{
		TickRate: s.cfg.TickRate, Width: s.cfg.Arena.Width, Height: s.cfg.Arena.Height,
		Seed: s.secrets.token(), EndTick: uint32(s.cfg.BattleSeconds * s.cfg.TickRate),
	})
	s.logBattle(r, "battle began").End()
}

// expire drops the players who have been silent for too long.
func (s *Server) expire(r *room) {
	for i := range r.players {
		if p := &r.players[i]; p.present() && s.now-p.lastSeen > int64(s.cfg.IdleSeconds)*second {
			s.metrics.idle++
			s.leave(p, "silent")
		}
	}
}
