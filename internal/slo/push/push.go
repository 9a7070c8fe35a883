// Package push tells a city's Prometheus what was measured from outside, by remote write, so that what players feel stands beside what the city says
// of itself.
package push

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/edge-arena/edge-arena/internal/slo"
)

// Job is the label `job` of all that is pushed.
const Job = "slo"

// path is where the API server passes on a write to the city's Prometheus.
const path = "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/write"

// patience is how long a push may take: it comes after a measurement, and must not keep anybody.
const patience = 10 * time.Second

// Series is a sample with its name and labels.
type Series struct {
	// Labels are the sample's, `__name__` among them.
	Labels map[string]string
	// Value is the sample.
	Value float64
}

// Of are the series of an outcome. What was not measured is left out.
func Of(o slo.Outcome) []Series {
	var all []Series
	add := func(name string, value float64, labels ...string) {
		s := Series{Labels: map[string]string{"__name__": name, "job": Job}, Value: value}
		for i := 0; i+1 < len(labels); i += 2 {
			s.Labels[labels[i]] = labels[i+1]
		}
		all = append(all, s)
	}
	quantiles := map[string]string{"rtt_p50": "0.5", "rtt_p99": "0.99", "rtt_p999": "0.999"}
	for _, v := range o.Verdicts {
		met := 0.0
		if v.Pass {
			met = 1
		}
		add("arena_slo_objective_met", met, "objective", strings.ReplaceAll(v.Name, "_", "-"))
		if v.Value == nil {
			continue
		}
		if quantile, ok := quantiles[v.Name]; ok {
			add("arena_slo_rtt_seconds", *v.Value/1000, "quantile", quantile)
		} else if v.Name == "tick_rate" {
			add("arena_slo_ticks_per_second", *v.Value)
		}
	}
	for _, s := range o.ColdStarts {
		add("arena_slo_cold_start_seconds", s.P99/1000, "node", s.Node)
	}
	if o.InputsScheduled > 0 {
		add("arena_slo_loss_ratio", float64(o.InputsLost)/float64(o.InputsScheduled))
	}
	add("arena_slo_last_run_timestamp_seconds", float64(o.Started.UnixMilli())/1000)
	return all
}

// To pushes series to the city that the connection reaches.
func To(ctx context.Context, connection *rest.Config, series []Series, at time.Time) error {
	client, err := kubernetes.NewForConfig(connection)
	if err != nil {
		// The cause may quote the credentials.
		return errors.New("push to the city's Prometheus: its API server cannot be reached with this kubeconfig")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = client.CoreV1().RESTClient().Post().AbsPath(path).
		SetHeader("Content-Type", "application/x-protobuf").SetHeader("Content-Encoding", "snappy").
		SetHeader("X-Prometheus-Remote-Write-Version", "0.1.0").
		Body(snappy.Encode(nil, encode(series, at))).Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("push to the city's Prometheus: %w", err)
	}
	return nil
}

// The fields of Prometheus's remote write protocol, version 1.
const (
	requestSeries = 1
	seriesLabels  = 1
	seriesSamples = 2
	labelName     = 1
	labelValue    = 2
	sampleValue   = 1
	sampleTime    = 2
)

// encode is the request, before it is compressed.
func encode(series []Series, at time.Time) []byte {
	var request []byte
	for _, s := range series {
		var one []byte
		names := make([]string, 0, len(s.Labels))
		for name := range s.Labels {
			names = append(names, name)
		}
		// The protocol wants them sorted.
		slices.Sort(names)
		for _, name := range names {
			var label []byte
			label = protowire.AppendTag(label, labelName, protowire.BytesType)
			label = protowire.AppendString(label, name)
			label = protowire.AppendTag(label, labelValue, protowire.BytesType)
			label = protowire.AppendString(label, s.Labels[name])
			one = protowire.AppendTag(one, seriesLabels, protowire.BytesType)
			one = protowire.AppendBytes(one, label)
		}
		var sample []byte
		sample = protowire.AppendTag(sample, sampleValue, protowire.Fixed64Type)
		sample = protowire.AppendFixed64(sample, math.Float64bits(s.Value))
		sample = protowire.AppendTag(sample, sampleTime, protowire.VarintType)
		sample = protowire.AppendVarint(sample, uint64(at.UnixMilli()))
		one = protowire.AppendTag(one, seriesSamples, protowire.BytesType)
		one = protowire.AppendBytes(one, sample)
		request = protowire.AppendTag(request, requestSeries, protowire.BytesType)
		request = protowire.AppendBytes(request, one)
	}
	return request
}
