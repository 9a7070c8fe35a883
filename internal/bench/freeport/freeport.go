// Package freeport finds a port for a battle server that is to be measured.
package freeport

import (
	"errors"
	"fmt"
	"net"
)

// Find finds a number that is free for UDP and for TCP, for a battle server takes both. Another may take it before the server does, by which the
// measurement then fails.
func Find() (port int, err error) {
	for range 100 {
		web, err := net.Listen("tcp4", ":0")
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		port = web.Addr().(*net.TCPAddr).Port
		game, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", port))
		if err == nil {
			return port, errors.Join(game.Close(), web.Close())
		}
		if err := web.Close(); err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
	}
	return 0, errors.New("find a free port: 100 that are free for TCP are in use for UDP")
}
