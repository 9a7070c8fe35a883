package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	one, two := &driftError{[]string{"oslo/a"}}, &driftError{[]string{"rome/a", "rome/b"}}
	broken := errors.New("broken")
	tests := map[string]struct {
		errs []error
		code int
		text string
	}{
		"drift":                 {[]error{nil, one}, 2, "drift on oslo/a: arena drift --mend mends it"},
		"drift in two stacks":   {[]error{one, two}, 2, "drift on oslo/a: arena drift --mend mends it\ndrift on rome/a, rome/b: arena drift --mend mends it"},
		"an error":              {[]error{broken}, 1, "broken"},
		"an error beside drift": {[]error{one, broken}, 1, "broken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := worst(tt.errs)
			require.EqualError(t, err, tt.text)
			require.Equal(t, tt.code, exitCode(fmt.Errorf("wrapped: %w", err)))
		})
	}
	require.NoError(t, worst([]error{nil, nil}))
}

func TestDriftOfAStackWithoutAFile(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"drift", "-s", "nowhere"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "error: read region of stack nowhere: open ")
	require.Empty(t, stdout.String())
}
