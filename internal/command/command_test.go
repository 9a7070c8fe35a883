package command_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/command"
)

func TestRunReturnsStdoutAlone(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	out, err := command.Cmd{Log: &log, Stdin: strings.NewReader("in")}.Run(context.Background(), "sh", "-c", "cat; echo; echo err >&2")
	require.NoError(t, err)
	require.Equal(t, "in", out)
	require.Contains(t, log.String(), "err")
}

func TestRunErrorCarriesCommandAndLastLines(t *testing.T) {
	t.Parallel()
	_, err := command.Run(context.Background(), "sh", "-c", "seq 1 100 >&2; exit 3")
	require.ErrorContains(t, err, "run sh -c seq 1 100 >&2; exit 3: exit status 3\n71\n")
	require.NotContains(t, err.Error(), "\n70\n")
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := command.Run(ctx, "sleep", "60")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
