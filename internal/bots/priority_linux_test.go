package bots

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPreferIsTakenBack(t *testing.T) {
	before, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	require.NoError(t, err)
	restore := prefer()
	during, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	require.NoError(t, err)
	if syscall.Getuid() == 0 {
		require.Equal(t, 20-botsNice, during)
	}
	restore()
	after, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	require.NoError(t, err)
	require.Equal(t, before, after)
}
