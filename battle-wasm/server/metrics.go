package server

import (
	"errors"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// Build says what is running.
type Build struct {
	// Version is the version of the server. Runtime is what it was built for: wasip1 or linux.
	Version, Runtime string
	// Interpreted tells that the code is interpreted, see package pace.
	Interpreted bool
}

// metrics are plain numbers: one goroutine writes and reads them.
type metrics struct {
	build Build

	ticks, ticksSkipped         uint64
	tickDuration, tickLateness  histogram
	inputWait, rtt              histogram
	snapshotBytes               histogram
	inputsLost                  uint64
	roomsRefused                uint64
	battlesStarted              uint64
	battlesEnded                [len(outcomes)]uint64
	resultsRecorded             uint64
	resultsRefused, resultsLost uint64
	idle                        uint64

	received, sent           [kindCount]uint64
	refused                  [refusalCount]uint64
	bytesReceived, bytesSent uint64
	sendErrors, receiveFails uint64
}

func newMetrics(build Build) metrics {
	return metrics{
		build: build, tickDuration: histogram{scale: &tickScale}, tickLateness: histogram{scale: &tickScale},
		inputWait: histogram{scale: &tickScale}, rtt: histogram{scale: &rttScale}, snapshotBytes: histogram{scale: &byteScale},
	}
}

// outcomes are the ways in which a battle ends.
var outcomes = [...]report.Outcome{report.Finished, report.Abandoned, report.Drained}

func (m *metrics) ended(how report.Outcome) {
	for i, known := range outcomes {
		if how == known {
			m.battlesEnded[i]++
		}
	}
}

// Kinds of packets are counted by index; 0 is every kind that there is not.
var kinds = [...]wire.Kind{
	0, wire.KindJoin, wire.KindInput, wire.KindLeave, wire.KindChallenge, wire.KindWelcome, wire.KindReject, wire.KindSnapshot, wire.KindEnd,
}

const kindCount = len(kinds)

// firstAnswer is the index of the first kind that the server sends and does not receive.
const firstAnswer = 4

// receive counts a datagram by what it says it is. One that says it is an answer is of no kind that can be received.
func (m *metrics) receive(k wire.Kind) {
	i := kindIndex(k)
	if i >= firstAnswer {
		i = 0
	}
	m.received[i]++
}

func kindIndex(k wire.Kind) int {
	switch {
	case k >= wire.KindJoin && k <= wire.KindLeave:
		return int(k)
	case k >= wire.KindChallenge && k <= wire.KindEnd:
		return firstAnswer + int(k-wire.KindChallenge)
	}
	return 0
}

// refusal is why a packet was not taken.
type refusal uint8

const (
	refusedShort refusal = iota
	refusedLength
	refusedMagic
	refusedVersion
	refusedKind
	refusedValue
	refusedOversized
	refusedCookie
	refusedSession
	refusedAddress
	refusedStale
	refusedRate
	refusedFull
	refusedTicket
	refusalCount
)

var refusalNames = [refusalCount]string{
	"short", "length", "magic", "version", "kind", "value", "oversized", "cookie", "session", "address", "stale", "rate", "full", "ticket",
}

func refusalOf(err error) refusal {
	switch {
	case errors.Is(err, wire.ErrShort):
		return refusedShort
	case errors.Is(err, wire.ErrMagic):
		return refusedMagic
	case errors.Is(err, wire.ErrVersion):
		return refusedVersion
	case errors.Is(err, wire.ErrKind):
		return refusedKind
	case errors.Is(err, wire.ErrValue):
		return refusedValue
	default:
		return refusedLength
	}
}

func (m *metrics) refuse(why refusal) { m.refused[why]++ }
