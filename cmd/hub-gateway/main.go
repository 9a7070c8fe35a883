// Hub-gateway is what a region's hub shows the other cities: they push metrics, logs and alerts through it, and read nothing.
//
// A city is known by a certificate of the region's own CA, whose common name is the city's. What is answered:
//
//   - POST /api/v1/write: remote write, for Prometheus
//   - POST /otlp/v1/logs: OTLP, for Loki
//   - POST /alertmanager/api/v2/alerts: for Alertmanager
//
// # Flags
//
//	-listen                          address of the above, HTTPS (default :8443)
//	-metrics                         address of /healthz and /metrics, HTTP (default :8080)
//	-ca, -certificate, -key          PEM files: what cities are believed by, and what they are shown (required)
//	-prometheus, -loki, -alertmanager  where it goes, http://host:port; without one the path is not there
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/edge-arena/edge-arena/internal/hubgateway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the process's exit code: 2 for bad flags, 1 for a failure.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	cfg, err := hubgateway.ParseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 2
	}
	if err := hubgateway.Run(ctx, cfg); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
