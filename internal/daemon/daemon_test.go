package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	parse := func(args []string, _ io.Writer) (string, error) {
		switch args[0] {
		case "help":
			return "", fmt.Errorf("asked: %w", flag.ErrHelp)
		case "wrong":
			return "", errors.New("-x: no such flag")
		}
		return args[0], nil
	}
	run := func(_ context.Context, cfg string, stderr io.Writer) error {
		_, _ = fmt.Fprintln(stderr, "runs as", cfg)
		if cfg == "fails" {
			return errors.New("port in use")
		}
		return nil
	}
	for arg, want := range map[string]struct {
		code int
		said string
	}{"help": {0, ""}, "wrong": {2, "-x: no such flag\n"}, "fails": {1, "runs as fails\nport in use\n"}, "well": {0, "runs as well\n"}} {
		var said strings.Builder
		require.Equal(t, want.code, exitCode(t.Context(), []string{arg}, &said, parse, run), arg)
		require.Equal(t, want.said, said.String(), arg)
	}
}
