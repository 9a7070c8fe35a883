package portalloc

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what Prometheus sees of the service, in a registry of its own.
type metrics struct {
	registry   *prometheus.Registry
	admissions *prometheus.CounterVec
	latency    prometheus.Histogram
	injections prometheus.Counter
}

func newMetrics(pool *Pool) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "port_allocator_admissions_total", Help: "Admission requests by result.",
		}, []string{"result"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "port_allocator_admission_duration_seconds", Help: "Time from a request's headers to the decision.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, 1},
		}),
		injections: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "port_allocator_ca_injections_total", Help: "Times the CA was written into the webhook configuration.",
		}),
	}
	// Known results start at zero, so that the first of each is seen as an increase.
	for _, r := range []string{resultAdmitted, resultDryRun, resultDenied, resultIgnored, resultInvalid} {
		m.admissions.WithLabelValues(r)
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	m.registry.MustRegister(m.admissions, m.latency, m.injections,
		gauge("port_allocator_ports", "Ports in the range.", pool.Size),
		gauge("port_allocator_ports_held", "Ports that pods have.", func() int { held, _ := pool.Usage(); return held }),
		gauge("port_allocator_ports_reserved", "Ports reserved for pods being created.", func() int { _, reserved := pool.Usage(); return reserved }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(result string, d time.Duration) {
	m.admissions.WithLabelValues(result).Inc()
	m.latency.Observe(d.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
