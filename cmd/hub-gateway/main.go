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
	"io"

	"github.com/edge-arena/edge-arena/internal/daemon"
	"github.com/edge-arena/edge-arena/internal/hubgateway"
)

func main() {
	daemon.Main(hubgateway.ParseFlags, func(ctx context.Context, cfg hubgateway.Config, _ io.Writer) error { return hubgateway.Run(ctx, cfg) })
}
