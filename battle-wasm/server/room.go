package server

import (
	"math"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
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
	seed      uint64    // of the arena
	arena     sim.Arena
	sent      sendTimes
	states    [wire.MaxBack + 1]snapshot.State // of the last ticks
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

	queue   queue
	credit  int64  // ns of input that it may send
	granted int64  // until when that has been reckoned
	seq     uint32 // of the newest input that has come
	done    uint32 // of the newest input that is part of the battle
	doneAt  int64  // when that came
	fresh   bool   // no snapshot has acknowledged it

	base    uint32 // the tick of the snapshot that the player has now, 0 for none
	ackTick uint32 // the tick of the newest snapshot that it has had
	network int64  // the newest measurement of the time to the player and back, in ns; -1 before the first
}

// The places of the simulation, the packets and the configuration are the same.
var _ = [1]struct{}{}[sim.MaxPlayers-wire.MaxPlayers]

// room gives the room of a number. It takes 33 kB, most of them for what was, so it is made when somebody first comes, and then kept.
func (s *Server) room(n int) *room {
	if s.rooms[n] == nil {
		r := &room{id: uint16(n)}
		for i := range r.players {
			r.players[i] = player{room: r, place: i}
		}
		s.rooms[n] = r
	}
	return s.rooms[n]
}

func (p *player) present() bool { return p.token != 0 }

// wait is the time from the receipt of the newest input that counts to now, in µs.
func (p *player) wait(now int64) uint16 {
	if p.done == 0 {
		return 0
	}
	return uint16(min(max(0, (now-p.doneAt)/1000), math.MaxUint16))
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
	r.seed = s.secrets.token()
	r.arena.Reset(sim.Config{
		TickRate: s.cfg.TickRate, Width: s.cfg.Arena.Width, Height: s.cfg.Arena.Height,
		Seed: r.seed, EndTick: uint32(s.cfg.BattleSeconds * s.cfg.TickRate),
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
