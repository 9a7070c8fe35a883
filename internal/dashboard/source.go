package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Series is what a query gave for one set of labels.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Point is a value at a time. It is never NaN.
type Point struct {
	At    time.Time
	Value float64
}

// Line is one of a log.
type Line struct {
	At     time.Time
	Labels map[string]string
	Text   string
}

// Answer is what a query gave: series, or lines of a log.
type Answer struct {
	Series []Series
	Lines  []Line
}

// Source answers queries.
type Source interface {
	// Range answers over a span.
	Range(ctx context.Context, expr string, span Span) (Answer, error)
	// Instant answers for the span's end.
	Instant(ctx context.Context, expr string, span Span) (Answer, error)
}

// API is the query API that Prometheus has, and Loki.
type API struct {
	// URL is where its paths /query and /query_range are: http://host:9090/api/v1, or http://host:3100/loki/api/v1. Required.
	URL string
	// Client asks. Default is [http.DefaultClient].
	Client *http.Client
}

// mostLines is how many lines of a log are asked for.
const mostLines = "50"

// Range answers over a span.
func (a API) Range(ctx context.Context, expr string, span Span) (Answer, error) {
	return a.ask(ctx, "/query_range", url.Values{
		"query": {expr}, "start": {seconds(span.From)}, "end": {seconds(span.To)}, "step": {strconv.FormatFloat(span.Step.Seconds(), 'f', -1, 64)}, "limit": {mostLines},
	})
}

// Instant answers for the span's end.
func (a API) Instant(ctx context.Context, expr string, span Span) (Answer, error) {
	return a.ask(ctx, "/query", url.Values{"query": {expr}, "time": {seconds(span.To)}})
}

func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// ask asks, and reads the answer.
func (a API) ask(ctx context.Context, path string, query url.Values) (answer Answer, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("query %s: %w", query.Get("query"), err)
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+path+"?"+query.Encode(), nil)
	if err != nil {
		return answer, err
	}
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer, err
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return answer, err
	}
	if resp.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("%s: %.500s", resp.Status, content)
	}
	return decode(content)
}

// decode reads an answer of the query API.
func decode(content []byte) (Answer, error) {
	var body struct {
		Data struct {
			ResultType string          `json:"resultType"`
			Result     json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(content, &body); err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	switch body.Data.ResultType {
	case "matrix", "vector":
		return decodeSeries(body.Data.Result)
	case "streams":
		return decodeLines(body.Data.Result)
	case "scalar":
		var p sample
		if err := json.Unmarshal(body.Data.Result, &p); err != nil {
			return Answer{}, fmt.Errorf("read the answer: %w", err)
		}
		return Answer{Series: []Series{{Points: appendSample(nil, p)}}}, nil
	default:
		return Answer{}, fmt.Errorf("read the answer: it is a %q", body.Data.ResultType)
	}
}

// sample is a time, in seconds, and a value.
type sample struct {
	at    time.Time
	value float64
}

// UnmarshalJSON reads [1234.5, "0.5"].
func (s *sample) UnmarshalJSON(b []byte) error {
	var at float64
	var value string
	if err := json.Unmarshal(b, &[2]any{&at, &value}); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return err
	}
	s.at, s.value = time.UnixMilli(int64(math.Round(at*1000))).UTC(), v
	return nil
}

func appendSample(points []Point, s sample) []Point {
	if math.IsNaN(s.value) || math.IsInf(s.value, 0) {
		return points
	}
	return append(points, Point{At: s.at, Value: s.value})
}

func decodeSeries(raw json.RawMessage) (Answer, error) {
	var all []struct {
		Metric map[string]string `json:"metric"`
		Value  *sample           `json:"value"`
		Values []sample          `json:"values"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	var answer Answer
	for _, s := range all {
		series := Series{Labels: s.Metric}
		if s.Value != nil {
			series.Points = appendSample(series.Points, *s.Value)
		}
		for _, v := range s.Values {
			series.Points = appendSample(series.Points, v)
		}
		if len(series.Points) > 0 {
			answer.Series = append(answer.Series, series)
		}
	}
	return answer, nil
}

func decodeLines(raw json.RawMessage) (Answer, error) {
	var all []struct {
		Stream map[string]string   `json:"stream"`
		Values [][]json.RawMessage `json:"values"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	var answer Answer
	for _, s := range all {
		for _, v := range s.Values {
			var at, text string
			if len(v) < 2 || json.Unmarshal(v[0], &at) != nil || json.Unmarshal(v[1], &text) != nil {
				return Answer{}, errors.New("read the answer: a line without time and text")
			}
			ns, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				return Answer{}, fmt.Errorf("read the answer: %w", err)
			}
			answer.Lines = append(answer.Lines, Line{At: time.Unix(0, ns).UTC(), Labels: s.Stream, Text: text})
		}
	}
	return answer, nil
}
