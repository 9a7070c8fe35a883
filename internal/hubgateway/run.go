package hubgateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config is what the flags say.
type Config struct {
	// Listen and Metrics are the addresses of the two servers.
	Listen, Metrics string
	// CA, Certificate and Key are PEM files.
	CA, Certificate, Key string
	// Prometheus, Loki and Alertmanager are where it goes; empty for nowhere.
	Prometheus, Loki, Alertmanager string
}

// ParseFlags reads the command line.
func ParseFlags(args []string, stderr io.Writer) (Config, error) {
	var c Config
	flags := flag.NewFlagSet("hub-gateway", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Listen, "listen", ":8443", "address for the cities, HTTPS")
	flags.StringVar(&c.Metrics, "metrics", ":8080", "address of /healthz and /metrics, HTTP")
	flags.StringVar(&c.CA, "ca", "", "PEM file of the CA that cities are believed by")
	flags.StringVar(&c.Certificate, "certificate", "", "PEM file of the certificate that cities are shown")
	flags.StringVar(&c.Key, "key", "", "PEM file of its key")
	flags.StringVar(&c.Prometheus, "prometheus", "", "where metrics go, http://host:port")
	flags.StringVar(&c.Loki, "loki", "", "where logs go, http://host:port")
	flags.StringVar(&c.Alertmanager, "alertmanager", "", "where alerts go, http://host:port")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var errs []error
	for _, f := range []struct{ name, value string }{{"-ca", c.CA}, {"-certificate", c.Certificate}, {"-key", c.Key}} {
		if f.value == "" {
			errs = append(errs, errors.New(f.name+": required"))
		}
	}
	return c, errors.Join(errs...)
}

// Run serves until the context ends.
func Run(ctx context.Context, c Config) error {
	m := newMetrics()
	cities, err := c.server(m)
	if err != nil {
		return err
	}
	inside := http.NewServeMux()
	inside.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	inside.HandleFunc("GET /metrics", m.serve)
	health := &http.Server{Addr: c.Metrics, Handler: inside, ReadHeaderTimeout: 5 * time.Second}

	var g errgroup.Group
	g.Go(func() error { return ended(cities.ListenAndServeTLS("", "")) })
	g.Go(func() error { return ended(health.ListenAndServe()) })
	stop := context.AfterFunc(ctx, func() {
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = cities.Shutdown(patient)
		_ = health.Shutdown(patient)
	})
	defer stop()
	return g.Wait()
}

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// server is the one that the cities reach.
func (c Config) server(m *metrics) (*http.Server, error) {
	certificate, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("CA: %s holds no certificate", c.CA)
	}
	handler, err := c.handler(m)
	if err != nil {
		return nil, err
	}
	return &http.Server{
		Addr: c.Listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 5 * time.Minute,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		},
		// Whoever knocks without a certificate is no news: it is reachable from anywhere.
		ErrorLog: log.New(io.Discard, "", 0),
	}, nil
}
