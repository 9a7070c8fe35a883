package gobuild_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/gobuild"
)

func TestEnv(t *testing.T) {
	t.Setenv("GOGC", "50")
	t.Setenv("HOME", "/somewhere")
	env := gobuild.Env("GOOS=linux")
	require.Contains(t, env, "HOME=/somewhere")
	require.Contains(t, env, "GOGC=50")
	require.NotContains(t, env, "GOGC=400", "who has set it is asked for nothing else")
	require.Contains(t, env, "GOMEMLIMIT=4GiB")
	require.Equal(t, "GOOS=linux", env[len(env)-1])
}
