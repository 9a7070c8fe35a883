package progress

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStep(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := map[string]struct {
		err  error
		want string
	}{
		"a step that works":  {want: "✓ build it ("},
		"a step that failed": {err: boom, want: "✗ build it: failed after "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r := New(&out)
			r.beat = time.Millisecond
			err := r.Step(context.Background(), "build it", func(context.Context) error {
				time.Sleep(20 * time.Millisecond)
				return tt.err
			})
			require.ErrorIs(t, err, tt.err)
			require.Contains(t, out.String(), "[  0:00] • build it\n")
			require.Contains(t, out.String(), "… build it: 0s so far\n")
			require.Contains(t, out.String(), tt.want)
		})
	}
}
