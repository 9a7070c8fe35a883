package push

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/client-go/rest"

	"github.com/edge-arena/edge-arena/internal/slo"
)

var outcome = slo.Outcome{
	Started: time.Unix(1_700_000_000, 0), InputsScheduled: 1000, InputsLost: 1,
	ColdStarts: []slo.NodeStarts{{Node: "n1", Starts: 20, P50: 30, P99: 41.5}, {Node: "n2", Starts: 20, P50: 9, P99: 9.5}},
	Verdicts: []slo.Verdict{
		{Name: "cold_start", Value: new(41.5)}, {Name: "rtt_p50", Value: new(7.25), Pass: true}, {Name: "rtt_p99", Value: new(21.0)}, {Name: "rtt_p999"}, {Name: "tick_rate", Value: new(120.01), Pass: true},
	},
}

func TestOf(t *testing.T) {
	t.Parallel()
	got := map[string]float64{}
	for _, s := range Of(outcome) {
		require.Equal(t, Job, s.Labels["job"])
		got[s.Labels["__name__"]+s.Labels["quantile"]+s.Labels["objective"]+s.Labels["node"]] = s.Value
	}
	require.Equal(t, map[string]float64{
		"arena_slo_rtt_seconds0.5": 0.00725, "arena_slo_rtt_seconds0.99": 0.021, "arena_slo_ticks_per_second": 120.01, "arena_slo_loss_ratio": 0.001,
		"arena_slo_objective_metrtt-p50": 1, "arena_slo_objective_metrtt-p99": 0, "arena_slo_objective_metrtt-p999": 0, "arena_slo_objective_mettick-rate": 1,
		"arena_slo_last_run_timestamp_seconds": 1.7e9, "arena_slo_objective_metcold-start": 0, "arena_slo_cold_start_secondsn1": 0.0415, "arena_slo_cold_start_secondsn2": 0.0095,
	}, got)
}

func TestTo(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_012_345)
	var got []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Content-Encoding"))
		body, err := io.ReadAll(r.Body)
		if err == nil {
			body, err = snappy.Decode(nil, body)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got = append(got, dump(t, body, 0)...)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(api.Close)
	series := []Series{{Labels: map[string]string{"job": "slo", "__name__": "arena_slo_loss_ratio"}, Value: 0.5}}
	require.NoError(t, To(t.Context(), &rest.Config{Host: api.URL}, series, at))
	require.Equal(t, []string{
		"POST /api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/write application/x-protobuf snappy",
		"__name__=arena_slo_loss_ratio", "job=slo", "0.5 at 1700000012345",
	}, got)
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(api.Close)
	err := To(t.Context(), &rest.Config{Host: api.URL}, Of(outcome), time.Now())
	require.ErrorContains(t, err, "push to the city's Prometheus: ")
}

// dump reads a request back.
func dump(t *testing.T, b []byte, depth int) (lines []string) {
	t.Helper()
	var name string
	var value float64
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		require.Positive(t, n)
		b = b[n:]
		switch kind {
		case protowire.BytesType:
			inner, n := protowire.ConsumeBytes(b)
			require.Positive(t, n)
			b = b[n:]
			switch {
			case depth < 2:
				lines = append(lines, dump(t, inner, depth+1)...)
			case field == labelName:
				name = string(inner)
			default:
				lines = append(lines, name+"="+string(inner))
			}
		case protowire.Fixed64Type:
			v, n := protowire.ConsumeFixed64(b)
			b = b[n:]
			value = math.Float64frombits(v)
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			b = b[n:]
			lines = append(lines, fmt.Sprintf("%v at %d", value, v))
		default:
			t.Fatalf("kind %d", kind)
		}
	}
	return lines
}
