package server

import (
	"errors"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
	"github.com/edge-arena/edge-arena/battle-wasm/nats"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// Loop runs a server: packets as they come, ticks when they are due, HTTP in the gaps.
//
// Tick n is due at start + n/rate, counted from the start and not from the tick before, so delays do not add up. After a stall the last
// [catchUp] ticks are made up for, one right after the other, so that the battle keeps time; those before them are left out: the server never
// runs after a schedule that it cannot keep. While nobody plays the loop rests, see [Loop.rest].
type Loop struct {
	machine transport.Machine
	server  *Server
	web     *httpd.Server
	start   int64
	tick    int64 // the number of the next tick
	worked  int64 // until when its time has been accounted for
	putOff  int   // how often errands have waited
	awake   int64 // when it last had something to do in its ticks
	in      [maxDatagram]byte
}

// maxDatagram is more than any packet that a player may send, so that longer ones are seen to be too long.
const maxDatagram = 256

// catchUp is how many ticks are made up for after a stall.
const catchUp = 8

// slack is the time, in ns, that must be left before a tick for anything but packets, and patience is for how many ticks that is insisted on.
const (
	slack    = second / 1000
	patience = 12
)

// batch is how many datagrams are taken between two looks at the clock.
const batch = 64

// NewLoop returns the loop of a new server.
func NewLoop(cfg config.Config, m transport.Machine, build Build) (*Loop, error) {
	s, err := New(cfg, m, build)
	if err != nil {
		return nil, err
	}
	s.logStart()
	start := m.Now()
	s.lastTick = start // from now on they are due
	l := &Loop{machine: m, server: s, start: start, tick: 1, awake: start, worked: start}
	l.web = httpd.New(m, l.handle)
	if cfg.NATS.Port != 0 {
		s.bus = nats.New(m, nats.Options{
			Address: cfg.NATS, User: cfg.NATSUser, Password: cfg.NATSPassword, Name: cfg.Pod,
			Inbox: "_INBOX.battle." + s.runText + ".", Handler: s.acknowledged,
		})
	}
	return l, nil
}

// Run runs until the server was asked to stop, its battles have ended, and who asked has been told.
func (l *Loop) Run() {
	for !l.server.drained() || l.web.Busy() {
		l.Turn()
	}
}

// due is when a tick is due.
func (l *Loop) due(tick int64) int64 {
	rate := int64(l.server.cfg.TickRate)
	return l.start + tick/rate*second + tick%rate*second/rate
}

// Turn takes packets until the next tick is due, runs it, and serves HTTP; where there is nothing to do it rests before.
func (l *Loop) Turn() {
	now := l.machine.Now()
	if l.mayRest(now) {
		now = l.rest(now)
		l.worked = now
	}
	waited := int64(0)
	due := l.due(l.tick)
	for {
		now = l.drain(now, due)
		if now >= due {
			break
		}
		now = l.serve(now, due)
		l.wait(now, due)
		woken := l.machine.Now()
		waited += woken - now
		now = woken
	}
	l.server.metrics.tickLateness.observe(now - due)
	l.server.Tick()
	end := l.machine.Now()
	l.server.metrics.tickDuration.observe(end - now)
	l.server.observeLoad(end-l.worked-waited, second/int64(l.server.cfg.TickRate))
	l.worked = end
	l.tick++
	behind := (end - l.due(l.tick)) * int64(l.server.cfg.TickRate) / second
	if skip := behind - catchUp; skip > 0 {
		l.server.metrics.ticksSkipped += uint64(skip)
		l.tick += skip
	}
	l.errands(end)
}

// serve answers HTTP at once where no tick is made late by it: while nobody plays, and none is due. It returns the time.
func (l *Loop) serve(now, due int64) int64 {
	if !l.mayServe(now, due) {
		return now
	}
	l.web.Pump(now)
	return l.machine.Now()
}

func (l *Loop) mayServe(now, due int64) bool { return due-now >= slack && l.server.idle() }

// wait waits until the tick is due, or for what is taken care of before.
func (l *Loop) wait(now, due int64) {
	if l.mayServe(now, due) {
		l.machine.Rest(due, l.web.Silent())
	} else {
		l.machine.Wait(due)
	}
}

// errands does what has time until after the next tick, unless that is due too soon: no scrape and no line of the log makes a tick late. It is put off for
// [patience] ticks at most, for the probes want an answer of a server that has much to do as well.
func (l *Loop) errands(now int64) {
	if l.due(l.tick)-now < slack && l.putOff < patience {
		l.putOff++
		return
	}
	l.putOff = 0
	l.web.Pump(now)
	l.server.flushJournal(l.machine)
	l.collect()
}

// drain takes the packets that have come, but no longer than until the tick is due, and returns the time.
func (l *Loop) drain(now, due int64) int64 {
	for {
		l.server.At(now)
		for range batch {
			n, from, err := l.machine.Receive(l.in[:])
			switch {
			case err == nil:
				l.server.HandlePacket(from, l.in[:n])
			case errors.Is(err, transport.ErrAgain):
				return now
			case errors.Is(err, transport.ErrTruncated):
				l.server.metrics.receive(0)
				l.server.metrics.refuse(refusedOversized)
			default:
				l.server.metrics.receiveFails++
				return now
			}
		}
		if now = l.machine.Now(); now >= due {
			return now
		}
	}
}
