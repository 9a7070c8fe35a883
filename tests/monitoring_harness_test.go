//go:build e2e

package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/subprogram"
)

// watched is a region that is monitored.
type watched struct {
	*region
	connections map[string]*rest.Config
}

// connect opens the ways to the cities' API servers.
func (w *watched) connect() {
	w.t.Helper()
	kubeconfigs, err := w.stack.Kubeconfigs(w.t.Context())
	require.NoError(w.t, err)
	w.connections = map[string]*rest.Config{}
	for city, kubeconfig := range kubeconfigs {
		connection, err := subprogram.Connection(kubeconfig, "edge-arena-test")
		require.NoError(w.t, err)
		w.connections[city] = connection
	}
}

// get asks a Service of a city's monitoring, `name:port`, through the API server.
func (w *watched) get(city, service, path string, params map[string]string) ([]byte, error) {
	client, err := kubernetes.NewForConfig(w.connections[city])
	if err != nil {
		return nil, err
	}
	request := client.CoreV1().RESTClient().Get().AbsPath("/api/v1/namespaces/monitoring/services/http:" + service + "/proxy" + path)
	for key, value := range params {
		request = request.Param(key, value)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	return request.DoRaw(ctx)
}

// sample is one of an instant query's.
type sample struct {
	Labels map[string]string `json:"metric"`
	Pair   [2]any            `json:"value"`
	Series [][2]any          `json:"values"`
	// Lines are those of a log stream.
	Stream map[string]string `json:"stream"`
}

func (s sample) value() float64 {
	text, _ := s.Pair[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

type answer struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Data   struct {
		Result []sample `json:"result"`
		Alerts []struct {
			Labels map[string]string `json:"labels"`
			State  string            `json:"state"`
		} `json:"alerts"`
	} `json:"data"`
}

func (w *watched) ask(city, service, path string, params map[string]string) (answer, error) {
	var a answer
	body, err := w.get(city, service, path, params)
	if err != nil {
		return a, fmt.Errorf("%w: %s", err, body)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("%w: %.200s", err, body)
	}
	return a, nil
}

// The Prometheus of a city, and the hub's.
const (
	own      = "prometheus:9090"
	longTerm = "prometheus-hub:9090"
)

// query asks a Prometheus at once.
func (w *watched) query(city, prometheus, expr string) ([]sample, error) {
	a, err := w.ask(city, prometheus, "/api/v1/query", map[string]string{"query": expr})
	return a.Data.Result, err
}

// number is the one value of a query; NaN where there is none.
func (w *watched) number(city, prometheus, expr string) float64 {
	result, err := w.query(city, prometheus, expr)
	if err != nil || len(result) != 1 {
		return math.NaN()
	}
	return result[0].value()
}

// lines asks Loki for what was logged since a time.
func (w *watched) lines(expr string, since time.Time) (n int, err error) {
	a, err := w.ask(w.hub(), "loki:3100", "/loki/api/v1/query_range", map[string]string{
		"query": expr, "start": strconv.FormatInt(since.UnixNano(), 10), "end": strconv.FormatInt(time.Now().Add(time.Minute).UnixNano(), 10), "limit": "5000",
	})
	for _, stream := range a.Data.Result {
		n += len(stream.Series)
	}
	return n, err
}

func (w *watched) hub() string { return "hub" }

// firing are the names of a city's alerts that fire, of one of the severities, in order.
func (w *watched) firing(city string, severities ...string) (names []string, err error) {
	a, err := w.ask(city, own, "/api/v1/alerts", nil)
	for _, alert := range a.Data.Alerts {
		if name := alert.Labels["alertname"]; alert.State == "firing" && slices.Contains(severities, alert.Labels["severity"]) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, err
}

// play has bots play on a city's pods, through relays for those of the pods that delay says.
func (w *watched) play(ctx context.Context, city string, bots int, duration time.Duration, through map[int]time.Duration) (slo.Report, error) {
	kubeconfigs, err := w.stack.Kubeconfigs(ctx)
	if err != nil {
		return slo.Report{}, err
	}
	targets, err := slo.Discover(ctx, []byte(kubeconfigs[city]), "battle")
	if err != nil {
		return slo.Report{}, err
	}
	for i, delay := range through {
		relay, err := newRelay(ctx, targets[i].Address, delay)
		if err != nil {
			return slo.Report{}, err
		}
		defer relay.close()
		targets[i].Address = relay.address()
	}
	return slo.Run(ctx, slo.Config{Bots: bots, TickRate: 120, Duration: duration, Timeout: 2 * time.Second, Objectives: slo.Default()}, targets)
}

// relay passes UDP packets on, each way after a delay.
type relay struct {
	front *net.UDPConn
	to    *net.UDPAddr
	delay time.Duration
	mu    sync.Mutex
	backs map[string]*net.UDPConn
}

func newRelay(ctx context.Context, address string, delay time.Duration) (*relay, error) {
	to, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	r := &relay{front: front, to: to, delay: delay, backs: map[string]*net.UDPConn{}}
	context.AfterFunc(ctx, r.close)
	go r.run()
	return r, nil
}

func (r *relay) address() string { return r.front.LocalAddr().String() }

func (r *relay) close() {
	_ = r.front.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, back := range r.backs {
		_ = back.Close()
	}
}

// run takes what players send, each by a socket of its own, as the server tells them apart.
func (r *relay) run() {
	buffer := make([]byte, 2048)
	for {
		n, from, err := r.front.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		back, err := r.back(from)
		if err != nil {
			return
		}
		packet := slices.Clone(buffer[:n])
		time.AfterFunc(r.delay, func() { _, _ = back.Write(packet) })
	}
}

func (r *relay) back(player *net.UDPAddr) (*net.UDPConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if back := r.backs[player.String()]; back != nil {
		return back, nil
	}
	back, err := net.DialUDP("udp", nil, r.to)
	if err != nil {
		return nil, err
	}
	r.backs[player.String()] = back
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, err := back.Read(buffer)
			if err != nil {
				return
			}
			packet := slices.Clone(buffer[:n])
			time.AfterFunc(r.delay, func() { _, _ = r.front.WriteToUDP(packet, player) })
		}
	}()
	return back, nil
}
