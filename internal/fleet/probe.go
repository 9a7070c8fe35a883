package fleet

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/modules/config"
)

// probes is how many nodes are asked at once.
const probes = 64

// probe asks every node of the region whether its SSH server answers, and returns what is wrong with the cities that do not, by name. A
// city is offline when one of its nodes is: nothing in it is to be changed by half.
func probe(ctx context.Context, region *config.Region) (map[string]string, error) {
	offline := map[string]string{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(probes)
	for _, c := range region.Cities {
		for _, n := range c.Nodes {
			g.Go(func() error {
				err := answers(ctx, n.Endpoint)
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err != nil {
					mu.Lock()
					defer mu.Unlock()
					offline[c.Name] = fmt.Sprintf("node %s does not answer: %v", n.Name, err)
				}
				return nil
			})
		}
	}
	return offline, g.Wait()
}

// answers waits for the greeting of an SSH server: a host that hangs still takes connections. One that greets is online; whether it lets
// us in is for the update to find out.
func answers(ctx context.Context, e config.Endpoint) (err error) {
	address := net.JoinHostPort(e.Address, strconv.Itoa(e.Port))
	for attempt := range 2 {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Second):
			}
		}
		if err = greeting(ctx, address, e.DialTimeout); err == nil {
			return nil
		}
	}
	return err
}

func greeting(ctx context.Context, address string, timeout time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // Nothing was written.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	line, err := bufio.NewReaderSize(conn, 256).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s takes connections but does not greet: %w", address, err)
	}
	if !strings.HasPrefix(line, "SSH-") {
		return fmt.Errorf("%s greets with %.40q, which is no SSH server's greeting", address, line)
	}
	return nil
}
