package lobby

import (
	"cmp"
	"net"
	"strconv"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Address is where players reach the lobby of a city whose first server is the node.
func Address(node config.Node, l config.Lobby) string {
	return "http://" + net.JoinHostPort(cmp.Or(node.ExternalAddress, node.Endpoint.Address), strconv.Itoa(l.NodePort))
}
