package fleet

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/rollout"
)

func threeWaves(r object) {
	r["waves"] = []any{object{"name": "canary", "cities": []any{"a"}}, object{"name": "half", "percent": 50}}
}

func states(r RegionStatus) map[string]State {
	all := map[string]State{}
	for _, c := range r.Cities {
		all[c.Name] = c.State
	}
	return all
}

func TestUpGoesWaveAfterWave(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("east", []string{"c", "b", "a"}, threeWaves)
	s, err := Up(t.Context(), f.options())
	require.NoError(t, err)
	require.Equal(t, []string{"up a", "up b,a", "up c,b,a"}, f.calls("east"))
	require.Equal(t, map[string]State{"a": Done, "b": Done, "c": Done}, states(s.Regions[0]))
	require.Equal(t, []string{"canary", "half", "rest"}, s.Regions[0].Waves)
	require.Equal(t, "0.14.1", s.Regions[0].Cities[0].WasmEdge)
	require.InDelta(t, 8, s.Regions[0].Cities[0].Gate.RTT.P99, 0)
	require.Equal(t, map[string]int{"update": 3}, s.Regions[0].Changes)
	require.FileExists(t, s.Regions[0].Log)

	status, err := Status(t.Context(), f.options())
	require.NoError(t, err)
	require.Equal(t, states(s.Regions[0]), states(status.Regions[0]))
}

func TestUpStopsAtAWaveThatFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("east", []string{"a", "b", "c"}, threeWaves)
	f.write("east/fail-b", "")
	s, err := Up(t.Context(), f.options())
	require.EqualError(t, err, "region east: wave half failed, and later waves were not touched: city b: play bots: rtt_p99 missed\nfailed: east")
	require.Equal(t, []string{"up a", "up a,b"}, f.calls("east"))
	require.Equal(t, map[string]State{"a": Done, "b": Failed, "c": Untouched}, states(s.Regions[0]))

	require.NoError(t, os.Remove(filepath.Join(f.root, "east", "fail-b")))
	s, err = Up(t.Context(), f.options())
	require.NoError(t, err)
	require.Equal(t, map[string]State{"a": Done, "b": Done, "c": Done}, states(s.Regions[0]))
}

func TestUpBeginsWithTheCanaryRegion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("aaa", []string{"a"}, nil)
	f.region("zzz", []string{"z"}, func(r object) { r["canary"] = true })
	f.write("zzz/fail-z", "")
	s, err := Up(t.Context(), f.options())
	require.ErrorContains(t, err, "region zzz: wave rest failed")
	require.ErrorContains(t, err, "failed: zzz; untouched: aaa")
	require.Nil(t, f.calls("aaa"))
	require.Equal(t, Untouched, s.Regions[0].State)
}

func TestAFailureStopsOthersAfterTheirWave(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("east", []string{"a", "b"}, func(r object) { r["waves"] = []any{object{"name": "canary", "cities": []any{"a"}}} })
	r, err := open(f.all[0], f.options(), func() {})
	require.NoError(t, err)
	stop := make(chan struct{})
	r.changed = func() {
		// The other region fails while this one is at its first wave.
		if r.status.Cities[0].State == Running {
			select {
			case <-stop:
			default:
				close(stop)
			}
		}
	}
	require.ErrorIs(t, r.logged(func() error { return r.up(t.Context(), stop) }), errStopped)
	require.Equal(t, []string{"up a"}, f.calls("east"))
}

func TestACityThatIsOffline(t *testing.T) {
	t.Parallel()
	long := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	skip := func(r object) { r["offline"] = "skip" }
	tests := map[string]struct {
		cities []string
		edit   func(object)
		state  fakeState
		calls  []string
		states map[string]State
		want   string
	}{
		"fails the region before anything is touched": {
			cities: []string{"a", "offline"}, want: "city offline is offline: node n does not answer", states: map[string]State{"a": Untouched, "offline": Failed}},
		"is owed where it may be skipped": {
			cities: []string{"a", "offline"}, edit: skip, calls: []string{"up a"}, states: map[string]State{"a": Done, "offline": Owed}},
		"stays in the state": {
			cities: []string{"a", "offline"}, edit: skip, state: fakeState{Cities: []string{"offline"}, Owed: map[string]rollout.Debt{"offline": {Since: long}}},
			calls: []string{"up a"}, states: map[string]State{"a": Done, "offline": Owed}},
		"is no canary": {
			cities: []string{"a", "offline"}, edit: func(r object) {
				skip(r)
				r["waves"] = []any{object{"name": "canary", "cities": []any{"offline"}}}
			}, want: "no city of wave canary is online, so nothing is proven", states: map[string]State{"a": Untouched, "offline": Owed}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.region("east", tt.cities, tt.edit)
			f.state("east", tt.state)
			s, err := Up(t.Context(), f.options())
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.want)
			}
			require.Equal(t, tt.calls, f.calls("east"))
			require.Equal(t, tt.states, states(s.Regions[0]))
			if len(tt.state.Owed) > 0 {
				require.Equal(t, long, s.Regions[0].Cities[1].Owed.Since, "a debt is as old as the first run that missed")
			}
		})
	}
}

func TestRemovingACityNeedsConsent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("east", []string{"a", "b"}, func(r object) { r["waves"] = []any{object{"name": "canary", "cities": []any{"a"}}} })
	f.state("east", fakeState{Cities: []string{"a", "b", "gone"}, Protected: []string{"a", "gone"}})
	_, err := Up(t.Context(), f.options())
	require.ErrorContains(t, err, "city gone: its first server, n, is gone from the file; it would be uninstalled and the cluster with it: put it back, or consent with --yes-remove-city east/gone")
	require.Nil(t, f.calls("east"))

	o := f.options()
	o.RemoveCities = []string{"east/gone"}
	_, err = Up(t.Context(), o)
	require.NoError(t, err)
	state, err := f.all[0].State(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"a", "b"}, state.Cities())
}

func TestDownNeedsConsent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("east", []string{"a"}, nil)
	f.state("east", fakeState{Cities: []string{"a"}, Protected: []string{"a"}})
	_, err := Down(t.Context(), f.options())
	require.ErrorContains(t, err, "city a is protected: consent with --yes-remove-city east/a, or east/* for all of the region")
	require.Nil(t, f.calls("east"))
	o := f.options()
	o.RemoveCities = []string{"east/*"}
	s, err := Down(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []string{"destroy"}, f.calls("east"))
	require.Equal(t, map[string]State{"a": Untouched}, states(s.Regions[0]))
}

func TestEveryBadFileIsReportedBeforeAnything(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("east", []string{"a"}, func(r object) { r["bogus"] = 1 })
	f.region("west", []string{"b"}, func(r object) { r["waves"] = []any{object{"name": "x", "cities": []any{"nowhere"}}} })
	f.region("good", []string{"c"}, nil)
	_, err := Up(t.Context(), f.options())
	require.ErrorContains(t, err, "bogus: unknown key")
	require.ErrorContains(t, err, `waves[0].cities[0]: there is no city "nowhere" in this region`)
	require.Nil(t, f.calls("good"))
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.region("east", []string{"a"}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Up(ctx, f.options())
	require.EqualError(t, err, "interrupted: untouched: east")
}

func TestMemAvailable(t *testing.T) {
	t.Parallel()
	got, err := memAvailable([]byte("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"))
	require.NoError(t, err)
	require.Equal(t, int64(2048<<10), got)
	_, err = memAvailable([]byte("MemTotal: 9 kB\n"))
	require.ErrorContains(t, err, "/proc/meminfo does not say")
	require.Equal(t, int64(150+16*350)<<20, weight(16))
}

func TestStepOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"x-x-1-host": "claim x-1", "x-battle-1-k3s": "install K3s on battle-1", "x-x-2-member": "join x-2", "x-kubernetes": "connect",
		"x-wasm-probe-x-1": "prove Wasm", "x-battle-battle-image-x-1-upload": "deliver images", "x-battle-deployment": "battle service",
		"x-gate-bots": "play bots", "x-gate": "gate",
	} {
		require.Equal(t, want, stepOf("x", name), name)
	}
}
