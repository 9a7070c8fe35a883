package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSavingOf(t *testing.T) {
	t.Parallel()
	b := &Battle{
		Native: Side{CoresPerPod: .1, Weight: PodWeight{Libraries: 1 << 20, Own: 1 << 20, Shim: 7 << 20, Pause: 1 << 20}},
		Wasm:   Side{CoresPerPod: .05, Weight: PodWeight{Own: 91 << 20, Shim: 8 << 20, Pause: 1 << 20}},
	}
	s := savingOf(b)
	// The case's node: 4 cores less 400m, 200m and 200m, and 8 GiB less 880Mi, 350Mi and 400Mi.
	require.InDelta(t, 3.2, s.Room.Cores, 1e-9)
	require.Equal(t, int64(6562<<20), s.Room.Memory)
	// 3.2 / 2 = 1 container; 3.2 / 0.2 = 16 pods, native ones too.
	require.Equal(t, []int{1, 16, 16}, []int{s.Container.ByRequests, s.Native.ByRequests, s.Wasm.ByRequests})
	// 3.2 / 0.1 = 32 by cores; 3.2 / 0.05 = 64 by cores and 6562 / 100 = 65 by memory.
	require.Equal(t, []int{32, 32, 64}, []int{s.Container.ByNeed, s.Native.ByNeed, s.Wasm.ByNeed})
	require.Equal(t, "94 %", saved(s.Wasm.ByRequests, s.Container.ByRequests))
	require.Equal(t, "50 %", saved(s.Wasm.ByNeed, s.Native.ByNeed))
	require.Equal(t, "-100 %", saved(8, 16), "where Wasm loses, that is told")
	require.InDelta(t, 16*.2/4, s.Wasm.Requested, 1e-9)
	require.InDelta(t, 16*.05/4, s.Wasm.Used, 1e-9)
	require.Zero(t, savingOf(&Battle{}).Wasm.ByNeed)
	require.Empty(t, saved(0, 1))
}
