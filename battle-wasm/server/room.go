package server

import (
	"math"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// room is one battle and its players. A room without players is free.
type room struct {
	id       uint16
	count    int
	arena    sim.Arena
	players  [sim.MaxPlayers]player
	farewell farewell
}

// player is one place of a room, and the session of who has it.
type player struct {
	room  *room
	place int

	token    uint64 // 0 where the place is free
	nonce    uint64
	addr     transport.Addr
	lastSeen int64
	rate     pace

	seq        uint32 // of the newest input
	receivedAt int64  // when that came
	fresh      bool   // no snapshot has acknowledged it
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

// findPlace gives a free place: in the first room that has players and room for more, else in the first free one.
func (s *Server) findPlace() *player {
	var free *room
	for i := range s.rooms {
		r := &s.rooms[i]
		switch {
		case r.count == 0 && free == nil:
			free = r
		case r.count > 0 && r.count < s.cfg.MaxPlayers:
			return r.freePlace()
		}
	}
	if free == nil {
		return nil
	}
	s.startBattle(free)
	return free.freePlace()
}

func (r *room) freePlace() *player {
	for i := range r.players {
		if p := &r.players[i]; !p.present() {
			return p
		}
	}
	return nil
}

func (s *Server) startBattle(r *room) {
	s.metrics.battlesStarted++
	r.arena.Reset(sim.Config{
		TickRate: s.cfg.TickRate, Width: s.cfg.Arena.Width, Height: s.cfg.Arena.Height,
		Seed: s.secrets.token(), EndTick: uint32(s.cfg.BattleSeconds * s.cfg.TickRate),
	})
}

// admit gives a place to who asked for it.
func (s *Server) admit(p *player, from transport.Addr, nonce uint64) {
	*p = player{
		room: p.room, place: p.place, token: s.secrets.token(), nonce: nonce, addr: from, lastSeen: s.now,
		rate: newPace(second / int64(2*s.cfg.TickRate)),
	}
	s.byToken[p.token] = p
	s.byAddr[from] = p
	p.room.count++
	p.room.arena.Join(p.place)
}

// drop frees a place.
func (s *Server) drop(p *player) {
	delete(s.byToken, p.token)
	delete(s.byAddr, p.addr)
	p.room.arena.Leave(p.place)
	p.room.count--
	*p = player{room: p.room, place: p.place}
}

// expire drops the players who have been silent for too long.
func (s *Server) expire(r *room) {
	for i := range r.players {
		if p := &r.players[i]; p.present() && s.now-p.lastSeen > int64(s.cfg.IdleSeconds)*second {
			s.metrics.idle++
			s.drop(p)
		}
	}
}
