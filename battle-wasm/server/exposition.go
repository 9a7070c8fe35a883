package server

import (
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
)

// exposition writes metrics in Prometheus' text format. Its methods are not inlined: at more than a hundred places that made the module 30 kB larger.
type exposition []byte

//go:noinline
func (e *exposition) text(parts ...string) {
	for _, p := range parts {
		*e = append(*e, p...)
	}
}

//go:noinline
func (e *exposition) number(n uint64) { *e = strconv.AppendUint(*e, n, 10) }

// family starts a metric.
//
//go:noinline
func (e *exposition) family(name, kind, help string) {
	e.text("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n")
}

// sample writes one value; label and its value may be empty.
//
//go:noinline
func (e *exposition) sample(name, label, value string, n uint64) {
	e.text(name)
	if label != "" {
		e.text("{", label, `="`, value, `"}`)
	}
	e.text(" ")
	e.number(n)
	e.text("\n")
}

//go:noinline
func (e *exposition) counter(name, help string, n uint64) {
	e.family(name, "counter", help)
	e.sample(name, "", "", n)
}

//go:noinline
func (e *exposition) gauge(name, help string, n int) {
	e.family(name, "gauge", help)
	e.sample(name, "", "", uint64(n))
}

func (e *exposition) histogram(name, help string, h *histogram) {
	e.family(name, "histogram", help)
	total := uint64(0)
	for i, bound := range h.scale.names {
		total += h.buckets[i]
		e.text(name)
		e.sample("_bucket", "le", bound, total)
	}
	total += h.buckets[len(h.scale.names)]
	e.text(name)
	e.sample("_bucket", "le", "+Inf", total)
	e.text(name, "_sum ")
	e.decimal(h.sum, h.scale.unit)
	e.text("\n", name)
	e.sample("_count", "", "", total)
}

// decimal writes a value that is counted in parts of a unit: in 10⁹ths with as many digits behind the point, in whole ones without.
//
//go:noinline
func (e *exposition) decimal(n, unit int64) {
	*e = strconv.AppendInt(*e, n/unit, 10)
	if unit == 1 {
		return
	}
	fraction := strconv.AppendInt(*e, unit+n%unit, 10) // 1 and nine digits, so that leading zeros are kept
	fraction[len(*e)] = '.'
	*e = fraction
}

// appendMetrics writes all metrics.
func (s *Server) appendMetrics(b []byte, web httpd.Counts) []byte {
	e := exposition(b)
	m := &s.metrics
	rooms, players := s.occupancy()
	e.family("battle_build_info", "gauge", "What is running.")
	e.text(`battle_build_info{version="`, m.build.Version, `",runtime="`, m.build.Runtime, "\"} 1\n")
	interpreted := 0
	if m.build.Interpreted {
		interpreted = 1
	}
	e.gauge("battle_interpreted", "Whether the code is interpreted, because the node cannot run the module's native code.", interpreted)
	e.gauge("battle_tick_rate", "Ticks a second that are aimed at.", s.cfg.TickRate)
	e.counter("battle_ticks_total", "Ticks that have run, and those that were rested through because nobody played.", m.ticks)
	e.counter("battle_ticks_skipped_total", "Ticks that were left out because the one before came too late.", m.ticksSkipped)
	e.histogram("battle_tick_duration_seconds", "Time that a tick took.", &m.tickDuration)
	e.histogram("battle_tick_lateness_seconds", "Time from when a tick was due to its start.", &m.tickLateness)
	e.histogram("battle_input_wait_seconds", "Time from the receipt of an input to the snapshot that acknowledges it.", &m.inputWait)
	e.histogram("battle_rtt_seconds", "Time that a player waits from sending an input to receiving the snapshot that acknowledges it.", &m.rtt)
	e.counter("battle_inputs_lost_total", "Inputs that players have sent and that did not become part of their battles.", m.inputsLost)
	e.histogram("battle_snapshot_bytes", "Sizes of snapshots.", &m.snapshotBytes)
	e.gauge("battle_rooms", "Rooms in use.", rooms)
	e.gauge("battle_rooms_limit", "Rooms that there can be.", s.cfg.Rooms)
	overloaded := 0
	if s.overloaded() {
		overloaded = 1
	}
	e.gauge("battle_overloaded", "Whether ticks need so much of their time that no more battles are taken.", overloaded)
	e.family("battle_tick_budget_ratio", "gauge", "Share of a tick's period that 19 of 20 ticks of the last seconds needed at most, packets included.")
	e.text("battle_tick_budget_ratio ")
	e.decimal(int64(s.load.Share())*second/1000, second)
	e.text("\n")
	e.counter("battle_rooms_refused_total", "Battles that were not begun because there was no room for them.", m.roomsRefused)
	e.gauge("battle_players", "Players in all rooms.", players)
	e.gauge("battle_players_limit", "Players that there can be in all rooms.", s.cfg.Rooms*s.cfg.MaxPlayers)
	e.counter("battle_battles_started_total", "Battles that have begun.", m.battlesStarted)
	e.family("battle_battles_ended_total", "counter", "Battles that have ended, those of bots that measure too.")
	for i, n := range m.battlesEnded {
		e.sample("battle_battles_ended_total", "outcome", string(outcomes[i]), n)
	}
	e.gauge("battle_results_pending", "Results that the store has not acknowledged.", len(s.outbox.entries))
	e.counter("battle_results_recorded_total", "Results that the store has acknowledged.", m.resultsRecorded)
	e.counter("battle_results_refused_total", "Attempts to store a result that were refused. It is tried again.", m.resultsRefused)
	e.counter("battle_results_lost_total", "Results given up because too many waited.", m.resultsLost)
	if s.bus != nil {
		bus, up := s.bus.Counts(), 0
		if s.bus.Ready() {
			up = 1
		}
		e.gauge("battle_nats_connected", "Whether NATS can be published to.", up)
		e.counter("battle_nats_connects_total", "Connections to NATS that became usable.", bus.Connects)
		e.counter("battle_nats_failures_total", "Connections to NATS that ended, or never became usable.", bus.Failures)
		e.counter("battle_nats_published_total", "Messages given to NATS.", bus.Published)
		e.counter("battle_nats_dropped_total", "Messages that NATS could not be given. Results are tried again.", bus.Dropped)
	}
	draining := 0
	if s.drain.on {
		draining = 1
	}
	e.gauge("battle_draining", "Whether the pod has been asked to stop, and takes no new battles.", draining)
	e.counter("battle_players_idle_total", "Players dropped because they were silent.", m.idle)
	e.family("battle_packets_received_total", "counter", "Datagrams received, by what they say they are.")
	for i, n := range m.received[:firstAnswer] {
		e.sample("battle_packets_received_total", "kind", kinds[i].String(), n)
	}
	e.family("battle_packets_sent_total", "counter", "Datagrams sent.")
	for i := firstAnswer; i < kindCount; i++ {
		e.sample("battle_packets_sent_total", "kind", kinds[i].String(), m.sent[i])
	}
	e.family("battle_packets_rejected_total", "counter", "Datagrams that were not taken.")
	for i, n := range m.refused {
		e.sample("battle_packets_rejected_total", "reason", refusalNames[i], n)
	}
	e.counter("battle_bytes_received_total", "Bytes of datagrams received.", m.bytesReceived)
	e.counter("battle_bytes_sent_total", "Bytes of datagrams sent.", m.bytesSent)
	e.counter("battle_receive_errors_total", "Receptions that failed.", m.receiveFails)
	e.counter("battle_send_errors_total", "Datagrams that could not be sent.", m.sendErrors)
	e.family("battle_http_requests_total", "counter", "HTTP requests answered, by class of status.")
	e.sample("battle_http_requests_total", "code", "2xx", web.OK)
	e.sample("battle_http_requests_total", "code", "4xx", web.ClientErrors)
	e.sample("battle_http_requests_total", "code", "5xx", web.ServerErrors)
	e.counter("battle_http_timeouts_total", "HTTP connections closed because they took too long or made room.", web.TimedOut)
	e.counter("battle_log_lines_dropped_total", "Lines of the log that were dropped because too many came at once.", s.journal.Dropped())
	e.memory(&s.garbage, &s.memory)
	return e
}
