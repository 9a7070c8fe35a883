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
}

// metrics are plain numbers: one goroutine writes and reads them.
type metrics struct {
	build Build

	ticks, ticksSkipped         uint64
	tickDuration, tickLateness  histogram
	inputWait                   histogram
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
	for i, known := range kinds {
		if k == known {
			return i
		}
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

// bounds are the upper bounds of the histograms' buckets in ns: from what a tick costs to what a player feels.
var bounds = [...]int64{50e3, 100e3, 250e3, 500e3, 1e6, 2e6, 4e6, 8e6, 16e6, 32e6, 64e6}

// boundNames are the same in seconds.
var boundNames = [len(bounds)]string{
	"0.00005", "0.0001", "0.00025", "0.0005", "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064",
}

// histogram counts times.
type histogram struct {
	buckets [len(bounds) + 1]uint64 // not cumulative; the last is for what is above all bounds
	sum     int64
}

func (h *histogram) observe(ns int64) {
	h.sum += ns
	for i, bound := range bounds {
		if ns <= bound {
			h.buckets[i]++
			return
		}
	}
	h.buckets[len(bounds)]++
}
