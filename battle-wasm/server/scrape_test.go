package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
)

// A scrape is written between two ticks, into a buffer that is there already.
func TestAScrapeDoesNotAllocate(t *testing.T) {
	m, l := startLoop(t)
	join(t, m, l.server, addr(1))
	r := httpd.Response{Body: make([]byte, 0, 32<<10)}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r.Body = r.Body[:0]
		l.handle(httpd.Request{Path: []byte("/metrics")}, &r)
	}))
	require.NotEmpty(t, r.Body)
}

// BenchmarkTick is a tick of a room of ten players, alone and with a scrape behind each: what a scrape costs is the difference, and none of it is the tick's.
func BenchmarkTick(b *testing.B) {
	for name, scrapes := range map[string]bool{"alone": false, "and a scrape": true} {
		b.Run(name, func(b *testing.B) {
			m, l := startLoop(b)
			l.server.cfg.BattleSeconds = 1 << 24
			for i := range byte(10) {
				join(b, m, l.server, addr(i)).stays()
			}
			m.discard = true
			r := httpd.Response{Body: make([]byte, 0, 32<<10)}
			b.ReportAllocs()
			for b.Loop() {
				m.now += second / 120
				l.server.Tick()
				if scrapes {
					r.Body = r.Body[:0]
					l.handle(httpd.Request{Path: []byte("/metrics")}, &r)
				}
			}
		})
	}
}

func BenchmarkMemory(b *testing.B) {
	_, l := startLoop(b)
	e := make(exposition, 0, 32<<10)
	for b.Loop() {
		e = e[:0]
		e.memory(&l.server.garbage, &l.server.memory)
	}
}
