// Package server is the battle server: rooms of players, packets in, snapshots out, a tick that is on time.
//
// It decides everything and trusts nobody: players say what they want to do, the simulation says what happens. A packet that is malformed,
// forged, stale or one too many costs a counter, and nothing else. The machine it runs on is injected ([transport.Machine]), so it runs in
// Wasm, natively and, with a fake clock, in tests. One goroutine does it all, and in the steady state nothing allocates.
package server

import (
	"errors"
	"runtime"

	"github.com/edge-arena/edge-arena/battle-wasm/budget"
	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/journal"
	"github.com/edge-arena/edge-arena/battle-wasm/nats"
	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/sim"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// second is one in ns.
const second = int64(1e9)

// Server holds the rooms and the players in them.
type Server struct {
	cfg     config.Config
	clock   transport.Clock
	packets transport.Packets
	secrets *secrets
	joins   *limiter
	rejects *limiter

	run     uint64 // of this start of the server: tickets are bound to it
	runText string // the same, as others write it
	address string // where players reach the server

	rooms    []*room // nil where nobody has played yet, see [Server.room]
	byToken  map[uint64]*player
	known    sessions
	byAddr   map[transport.Addr]*player
	byPlayer map[ticket.ID]*player // but for bots that measure
	serials  serials
	ended    recent
	drain    drain

	bus      publisher // nil where nothing is published
	outbox   outbox
	presence presence
	subjects struct{ presence, result string }

	now        int64 // at the start of the batch of packets, or of the tick
	refusedDue int64 // when the log may say again that a room was refused
	lastTick   int64 // when the last tick ran; 0 before ticks are due
	journal    *journal.Journal
	load       *budget.Meter
	garbage    garbage
	metrics    metrics
	memory     runtime.MemStats

	// What is encoded in place, so that nothing is allocated for it.
	out       []byte
	codec     snapshot.Codec
	snapshots snapshots
	inputs    [sim.MaxPlayers]sim.Inputs
	join      wire.Join
	input     wire.Input
	ticket    ticket.Ticket
	message   []byte
	headers   [2]nats.Header
	hex       [2 * len(ticket.ID{})]byte
	mac       [4 + 2*ticket.MACSize]byte
}

// New returns a server without players.
func New(cfg config.Config, m transport.Machine, build Build) (*Server, error) {
	var seed [seedSize]byte
	if err := m.Entropy(seed[:]); err != nil {
		return nil, errors.New("gather entropy: " + err.Error())
	}
	secrets, err := newSecrets(&seed)
	if err != nil {
		return nil, err
	}
	places := cfg.Rooms * cfg.MaxPlayers
	s := &Server{
		cfg: cfg, clock: m, packets: m, secrets: secrets,
		// The limits are per bucket of source addresses: many joins at once are usual, when a whole match comes from behind one address.
		joins:   newLimiter(second/int64(cfg.JoinsPerSecond), second, secrets.token()),
		rejects: newLimiter(second, 0, secrets.token()),
		rooms:   make([]*room, cfg.Rooms),
		byToken: make(map[uint64]*player, places), known: newSessions(places),
		byAddr:   make(map[transport.Addr]*player, places),
		byPlayer: make(map[ticket.ID]*player, places), serials: make(serials, sweepAt), run: secrets.token(),
		out:   make([]byte, 0, wire.MaxPacketSize),
		codec: snapshot.NewCodec(sim.NewMotion(cfg.TickRate, cfg.Arena.Width, cfg.Arena.Height)),
		now:   m.Now(),
	}
	s.load = budget.NewMeter(cfg.TickRate)
	s.metrics, s.journal = newMetrics(build), journal.New(cfg.City, cfg.Pod)
	s.runText, s.address = hex16(s.run), hostPort(cfg.NodeIP, cfg.Port)
	s.subjects.presence, s.subjects.result = report.PresenceSubject+cfg.Pod, report.ResultSubject+cfg.Pod
	return s, nil
}

// Tick runs one tick of every room: applies what the players asked for and tells them what came of it.
func (s *Server) Tick() {
	s.now = s.clock.Now()
	s.metrics.ticks++
	for _, r := range s.rooms {
		if r == nil {
			continue
		}
		if r.farewell.left > 0 {
			s.sendFarewell(r)
		}
		if r.count > 0 {
			s.expire(r)
		}
		if r.count == 0 {
			continue
		}
		s.step(r)
		if r.arena.Over() {
			s.conclude(r, report.Finished)
		}
	}
	s.pushDrain()
	s.publish()
	s.lastTick = s.now
}

// Run is the number that this start of the server made for itself: tickets are bound to it.
func (s *Server) Run() uint64 { return s.run }

// InputsLost is how many inputs players have sent that did not become part of their battles.
func (s *Server) InputsLost() uint64 { return s.metrics.inputsLost }

// idle says whether ticks have nothing to do: nobody plays, and all have been told how their battle ended.
func (s *Server) idle() bool {
	if len(s.byToken) > 0 {
		return false
	}
	for _, r := range s.rooms {
		if r != nil && r.farewell.left > 0 {
			return false
		}
	}
	return true
}

// send sends a packet.
func (s *Server) send(kind wire.Kind, b []byte, to transport.Addr) {
	if err := s.packets.Send(b, to); err != nil {
		s.metrics.sendErrors++ // the kernel's buffer is full, or the address cannot be reached: as if the network had lost it
		return
	}
	s.metrics.sent[kindIndex(kind)]++
	s.metrics.bytesSent += uint64(len(b))
}

// occupancy counts the rooms that are in use, and the players in them.
func (s *Server) occupancy() (rooms, players int) {
	for _, r := range s.rooms {
		if r != nil && r.count > 0 {
			rooms++
			players += r.count
		}
	}
	return rooms, players
}
