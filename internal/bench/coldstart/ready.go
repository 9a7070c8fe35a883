package coldstart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/stages"
)

// waitReady waits until the server at the port says that it is ready. listening is when it first took a connection, ready when it answered, both by
// [stages.Now].
func waitReady(ctx context.Context, port int) (listening, ready time.Duration, err error) {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil && listening == 0 {
			listening = stages.Now()
		}
		return conn, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}, Timeout: time.Second}
	defer client.CloseIdleConnections()
	url := "http://" + address(port) + "/readyz"
	last := errors.New("never asked")
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return 0, 0, err
		}
		resp, err := client.Do(req)
		if err == nil {
			ready = stages.Now()
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return listening, ready, nil
			}
			err = errors.New(resp.Status)
		}
		if ctx.Err() != nil {
			return 0, 0, errors.Join(ctx.Err(), last)
		}
		last = err
		time.Sleep(poll)
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// waitFree waits until nobody listens at the port.
func waitFree(port int) error {
	for range 1000 {
		l, err := net.Listen("tcp4", address(port))
		if err == nil {
			return l.Close()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s is still in use 5 s after its server was stopped", address(port))
}
