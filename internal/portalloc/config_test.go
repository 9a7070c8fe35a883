package portalloc_test

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/portalloc"
)

func TestParseFlags(t *testing.T) {
	t.Parallel()
	c, err := portalloc.ParseFlags(strings.Fields("-first 7000 -last 7999 -namespace battle -webhook battle-ports"), new(strings.Builder))
	require.NoError(t, err)
	require.Equal(t, portalloc.Config{
		First: 7000, Last: 7999, Namespace: "battle", Webhook: "battle-ports", Service: "port-allocator",
		Listen: ":8443", Health: ":8080", Reserve: time.Minute, Recheck: 5 * time.Second,
	}, c)
}

func TestParseFlagsRefuses(t *testing.T) {
	t.Parallel()
	const required = "-namespace battle -webhook w "
	tests := map[string]struct {
		args string
		want []string
	}{
		"nothing given":       {"", []string{"-first 0 -last 0: want 1024 <= first <= last <= 65535", "-namespace: required", "-webhook: required"}},
		"range upside down":   {required + "-first 7001 -last 7000", []string{"-first 7001 -last 7000: want"}},
		"privileged ports":    {required + "-first 1023 -last 7000", []string{"-first 1023 -last 7000: want"}},
		"beyond the last":     {required + "-first 7000 -last 65536", []string{"-first 7000 -last 65536: want"}},
		"zero durations":      {required + "-first 7000 -last 7000 -reserve 0s -recheck -1s", []string{"-reserve 0s: want more than zero", "-recheck -1s: want more"}},
		"an argument":         {required + "-first 7000 -last 7000 x", []string{`unexpected argument "x"`}},
		"an unknown flag":     {"-ports 1", []string{"flag provided but not defined: -ports"}},
		"a port not a number": {"-first x", []string{`invalid value "x" for flag -first`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := portalloc.ParseFlags(strings.Fields(tt.args), new(strings.Builder))
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	_, err := portalloc.ParseFlags([]string{"-h"}, new(strings.Builder))
	require.ErrorIs(t, err, flag.ErrHelp)
}
