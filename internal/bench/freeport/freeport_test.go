package freeport

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	t.Parallel()
	port, err := Find()
	require.NoError(t, err)
	udp, err := net.ListenPacket("udp4", ":"+strconv.Itoa(port))
	require.NoError(t, err)
	require.NoError(t, udp.Close())
	tcp, err := net.Listen("tcp4", ":"+strconv.Itoa(port))
	require.NoError(t, err)
	require.NoError(t, tcp.Close())
}
