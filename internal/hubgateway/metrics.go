package hubgateway

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// metrics count what the cities have pushed.
type metrics struct {
	mu       sync.Mutex
	requests map[string]uint64
	bytes    map[string]uint64
}

func newMetrics() *metrics {
	return &metrics{requests: map[string]uint64{}, bytes: map[string]uint64{}}
}

// count counts the requests to a path by city and answer. Cities are those of the region's certificates: nobody makes up names.
func (m *metrics) count(path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &countedBody{ReadCloser: r.Body}
		r.Body = body
		answer := &answer{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			from := fmt.Sprintf("city=%q,path=%q", city(r), path)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.requests[from+`,code="`+strconv.Itoa(answer.code)+`"`]++
			m.bytes[from] += body.n
		}()
		next.ServeHTTP(answer, r)
	})
}

// serve writes them in Prometheus's text format.
func (m *metrics) serve(w http.ResponseWriter, _ *http.Request) {
	var page strings.Builder
	m.mu.Lock()
	for _, metric := range []struct {
		name, help string
		values     map[string]uint64
	}{
		{"hub_gateway_requests_total", "Requests of the cities, by path and answer.", m.requests},
		{"hub_gateway_received_bytes_total", "What the cities have pushed, as it came over the line.", m.bytes},
	} {
		fmt.Fprintf(&page, "# HELP %[1]s %[2]s\n# TYPE %[1]s counter\n", metric.name, metric.help)
		for _, labels := range slices.Sorted(maps.Keys(metric.values)) {
			fmt.Fprintf(&page, "%s{%s} %d\n", metric.name, labels, metric.values[labels])
		}
	}
	m.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, page.String())
}

type countedBody struct {
	io.ReadCloser
	n uint64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += uint64(max(n, 0))
	return n, err
}

type answer struct {
	http.ResponseWriter
	code int
}

func (a *answer) WriteHeader(code int) {
	a.code = code
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
