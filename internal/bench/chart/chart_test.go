package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGoldens(t *testing.T) {
	t.Parallel()
	charts := map[string][]byte{
		"percentiles.svg": Percentiles{Title: "RTT <of bots>", Unit: "ms", Series: []Series{
			{"native", []Point{{0, 1}, {50, 4.5}, {90, 7}, {99, 9}, {99.9, 14}, {99.99, 22}}}, {"Wasm", []Point{{0, 1.5}, {50, 5}, {99.999, 31}}},
		}}.SVG(),
		"bars.svg":  Bars{Title: "Starts", Unit: "ms", Names: []string{"P50", "P99"}, Groups: []Group{{"native", []float64{30, 44.25}}, {"Wasm", []float64{60, 100}}}}.SVG(),
		"stack.svg": Bars{Title: "Memory", Unit: "MB", Names: []string{"server", "shim"}, Groups: []Group{{"native", []float64{1.1, 5}}, {"Wasm", []float64{26, 5}}}, Stacked: true}.SVG(),
		"empty.svg": Bars{Title: "Nothing"}.SVG(),
	}
	for name, got := range charts {
		file := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(file, got, 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "go test ./internal/bench/chart -update writes it anew")
		requireXML(t, string(got))
		require.Contains(t, string(got), "prefers-color-scheme:dark")
		require.NotContains(t, string(got), "NaN")
	}
}

func requireXML(t *testing.T, s string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func TestWhatIsNotThereIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, stacked := range []bool{false, true} {
		svg := string(Bars{Names: []string{"a", "b"}, Groups: []Group{{"x", []float64{math.NaN(), 2}}, {"y", []float64{3, math.NaN()}}}, Stacked: stacked}.SVG())
		require.Equal(t, 2, strings.Count(svg, `class="bar`))
		require.NotContains(t, svg, "NaN")
	}
}

func TestNumberAndStep(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 0.04567: "0.0457", 1: "1", 1.5: "1.5", 12.34: "12.3", 100: "100", 1234: "1234", 0.1: "0.1"} {
		require.Equal(t, want, number(v))
	}
	for high, want := range map[float64]float64{0: 1, 1: .2, 9: 2, 22: 5, 44: 10, 100: 20, 75: 10} {
		require.InDelta(t, want, step(high), 1e-9, high)
		require.LessOrEqual(t, high/step(high), 8.0)
	}
}
