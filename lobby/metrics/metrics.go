// Package metrics is what Prometheus sees of the lobby.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/edge-arena/edge-arena/lobby/api"
	"github.com/edge-arena/edge-arena/lobby/placement"
	"github.com/edge-arena/edge-arena/lobby/presence"
)

// Metrics counts, in a registry of its own.
type Metrics struct {
	registry    *prometheus.Registry
	joins       *prometheus.CounterVec
	duration    prometheus.Histogram
	requests    *prometheus.CounterVec
	decisions   *prometheus.CounterVec
	evaluation  prometheus.Histogram
	presences   *prometheus.CounterVec
	keyReloads  *prometheus.CounterVec
	natsOffline prometheus.Counter
}

// The results of a reload.
const (
	taken   = "taken"
	refused = "refused"
)

// decisions are those of the policy.
var decisions = []string{"allow", "deny", "error"}

// New returns metrics that read the board's numbers when they are asked for.
func New(board func() placement.Stats) *Metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		joins:    counter("lobby_joins_total", "Requests to join a battle by result.", "result"),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lobby_join_duration_seconds", Help: "Time from a join request's headers to its answer.",
			Buckets: []float64{.00025, .0005, .001, .002, .003, .005, .0075, .01, .015, .02, .03, .05, .1, 1},
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lobby_http_requests_total", Help: "Requests to the API by route and status.",
		}, []string{"route", "code"}),
		decisions: counter("lobby_policy_decisions_total", "Decisions of the join policy by result.", "result"),
		evaluation: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lobby_policy_evaluation_duration_seconds", Help: "Time that the join policy takes to decide.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .1, 1},
		}),
		presences:   counter("lobby_presences_total", "Presences of battle pods by what became of them.", "result"),
		keyReloads:  counter("lobby_player_key_reloads_total", "Changes of the file with the players' public keys by result.", "result"),
		natsOffline: prometheus.NewCounter(prometheus.CounterOpts{Name: "lobby_nats_disconnects_total", Help: "Times the connection to NATS was lost."}),
	}
	// Known results start at zero, so that the first of each is seen as an increase.
	for _, r := range api.Results() {
		m.joins.WithLabelValues(string(r))
	}
	for _, r := range presence.Results() {
		m.presences.WithLabelValues(string(r))
	}
	for _, r := range decisions {
		m.decisions.WithLabelValues(r)
	}
	for _, r := range []string{taken, refused} {
		m.keyReloads.WithLabelValues(r)
	}
	m.registry.MustRegister(m.joins, m.duration, m.requests, m.decisions, m.evaluation, m.presences, m.keyReloads, m.natsOffline, boardCollector(board),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Joined counts a request to join.
func (m *Metrics) Joined(r api.Result, d time.Duration) {
	m.joins.WithLabelValues(string(r)).Inc()
	m.duration.Observe(d.Seconds())
}

// Answered counts a request to the API.
func (m *Metrics) Answered(route string, code int) {
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
}

// Decided counts a decision of the policy.
func (m *Metrics) Decided(result string, evaluation time.Duration) {
	m.decisions.WithLabelValues(result).Inc()
	m.evaluation.Observe(evaluation.Seconds())
}

// Heard counts a presence.
func (m *Metrics) Heard(r presence.Result) { m.presences.WithLabelValues(string(r)).Inc() }

// KeysReloaded counts a change of the players' keys, which is refused with an error.
func (m *Metrics) KeysReloaded(err error) {
	result := taken
	if err != nil {
		result = refused
	}
	m.keyReloads.WithLabelValues(result).Inc()
}

// Disconnected counts a loss of the connection to NATS.
func (m *Metrics) Disconnected() { m.natsOffline.Inc() }

// Gauge adds a number that is read when it is asked for.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Counter adds one that only grows.
func (m *Metrics) Counter(name, help string, labels map[string]string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, value))
}

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// boardCollector reads all of a board's numbers at once, so that they agree.
type boardCollector func() placement.Stats

// boardGauges are the numbers of a board.
var boardGauges = []struct {
	desc  *prometheus.Desc
	value func(s placement.Stats) int
}{
	{gauge("lobby_pods", "Battle pods that are there."), func(s placement.Stats) int { return s.Pods }},
	{gauge("lobby_pods_draining", "Battle pods that are about to go."), func(s placement.Stats) int { return s.Draining }},
	{gauge("lobby_rooms", "Rooms of battle pods that are in use or reserved."), func(s placement.Stats) int { return s.Rooms }},
	{gauge("lobby_rooms_limit", "Rooms that the battle pods have."), func(s placement.Stats) int { return s.RoomsLimit }},
	{gauge("lobby_players", "Players in battles."), func(s placement.Stats) int { return s.Players }},
	{gauge("lobby_seats_reserved", "Seats kept for players who have a ticket and are not there yet."), func(s placement.Stats) int { return s.Reserved }},
}

func gauge(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }

// Describe sends what [boardCollector.Collect] will.
func (boardCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range boardGauges {
		ch <- g.desc
	}
}

// Collect sends the numbers.
func (c boardCollector) Collect(ch chan<- prometheus.Metric) {
	s := c()
	for _, g := range boardGauges {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(g.value(s)))
	}
}
