package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/bench/coldstart"
)

func coldStart(times func(float64) Times) *ColdStart {
	took := func(scale float64) ContainerTime {
		return ContainerTime{Create: times(scale), Listening: times(1.25 * scale), Ready: times(1.5 * scale)}
	}
	return &ColdStart{
		Starts: 200, Wasm: took(20), Interpreted: took(40), Native: took(10), NativeCrun: took(5), WasmContainerd: took(50), NativeContainerd: took(30), Warm: times(3),
		Stages:            []Stage{{"load the module", times(10)}, {"all", times(20)}},
		StagesInterpreted: []Stage{{"load the module", times(5)}, {"all", times(100)}},
		WithLLVM:          took(30), StagesLLVM: []Stage{{"load the module", times(10)}, {"all", times(30)}},
	}
}

func TestColdStartOf(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	result := coldstart.Result{
		Starts: map[string][]coldstart.Start{
			startWasm:   {{Create: 4 * ms, Listening: 8 * ms, Ready: 9 * ms}, {Create: 2 * ms, Listening: 6 * ms, Ready: 7 * ms}},
			startNative: {{Create: ms, Listening: 2 * ms, Ready: 3 * ms}},
		},
		Stages: map[string][]coldstart.Stages{startWasm: {{
			Exec: 1 * ms, LLVM: 2 * ms, Library: 3 * ms, Machine: 4 * ms, Load: 5 * ms, Validate: 6 * ms, Instantiate: 7 * ms, Program: 8 * ms, Ready: 9 * ms,
		}}},
	}
	got := coldStartOf(2, result)
	require.Equal(t, Times{Count: 2, Min: 7, P50: 7, P99: 9, P999: 9, Max: 9}, got.Wasm.Ready)
	require.Equal(t, Times{Count: 2, Min: 6, P50: 6, P99: 8, P999: 8, Max: 8}, got.Wasm.Listening)
	require.InDelta(t, 1, got.Native.Create.P50, 0)
	require.Zero(t, got.NativeContainerd)
	var p50 []float64
	for _, stage := range got.Stages {
		p50 = append(p50, stage.P50)
	}
	require.Equal(t, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 45}, p50)
	require.Equal(t, "all", got.Stages[9].Name)
}

func TestStartKindsDifferInOneThingOnly(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, k := range startKinds("wasm@sha256:1", "native@sha256:2", "wazero@sha256:3") {
		require.False(t, names[k.Name], k.Name)
		names[k.Name] = true
		wasm := k.Image == "wasm@sha256:1"
		require.Equal(t, wasm, k.Annotations[handlerAnnotation] == "wasm", k.Name)
		require.True(t, wasm || !k.Stages, k.Name)
	}
}
