package rewind

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	var h History
	for tick := uint32(1); tick <= 100; tick++ {
		h.At(tick)[3] = Place{X: int32(tick), Alive: true}
	}
	require.Nil(t, h.Seen(100-Depth))
	require.EqualValues(t, 100-Depth+1, h.Seen(100 - Depth + 1)[3].X)
	require.EqualValues(t, 100, h.Seen(100)[3].X)
	require.Nil(t, h.Seen(101))
}

func TestBound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ view, now, limit, want uint32 }{
		"nothing was seen":            {view: 0, now: 50, limit: 24, want: 50},
		"the present":                 {view: 50, now: 50, limit: 24, want: 50},
		"the future":                  {view: 60, now: 50, limit: 24, want: 50},
		"a little ago":                {view: 45, now: 50, limit: 24, want: 45},
		"as long ago as is granted":   {view: 26, now: 50, limit: 24, want: 26},
		"longer ago":                  {view: 1, now: 50, limit: 24, want: 26},
		"before the battle began":     {view: 1, now: 5, limit: 24, want: 1},
		"longer ago than is recalled": {view: 1, now: 500, limit: 400, want: 500 - Depth + 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, Bound(tt.view, tt.now, tt.limit))
		})
	}
}
