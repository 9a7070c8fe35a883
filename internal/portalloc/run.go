package portalloc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// drain is how long requests in flight may take when the service stops.
const drain = 5 * time.Second

// Run serves until ctx ends, then finishes what is in flight. Logs go to w as JSON lines.
func Run(ctx context.Context, cfg Config, w io.Writer) error {
	log := slog.New(slog.NewJSONHandler(w, nil))
	klog.SetSlogLogger(log)
	rc, err := restConfig(cfg.Kubeconfig)
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return fmt.Errorf("make API client: %w", err)
	}
	webhook, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for the webhook: %w", err)
	}
	health, err := net.Listen("tcp", cfg.Health)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for health: %w", err), webhook.Close())
	}
	return serve(ctx, cfg, client, webhook, health, log)
}

// restConfig reads a kubeconfig, or without one takes the pod's service account.
func restConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", kubeconfig)
}

// serve runs the service on two listeners, which it closes.
func serve(ctx context.Context, cfg Config, client kubernetes.Interface, webhook, health net.Listener, log *slog.Logger) error {
	id, err := newIdentity(cfg.Service+"."+cfg.Namespace+".svc", time.Now())
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	pool := NewPool(cfg.First, cfg.Last, cfg.Reserve)
	m := newMetrics(pool)
	synced, err := watchPods(ctx, client, cfg.Namespace, pool)
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	in := &injector{cfg: cfg, client: client, caPEM: id.caPEM, metrics: m, log: log}
	group.Go(func() error {
		// Nobody is sent here before the ports in use are known: without our CA the API server does not call us.
		if err := until(ctx, synced); err == nil {
			in.run(ctx)
		}
		return nil
	})
	s := &server{cfg: cfg, pool: pool, metrics: m, log: log}
	tlsListener := tls.NewListener(webhook, &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{id.serving}, NextProtos: []string{"h2", "http/1.1"},
	})
	log.Info("serving", "webhook", webhook.Addr().String(), "health", health.Addr().String(), "first", cfg.First, "last", cfg.Last)
	serveHTTP(ctx, group, tlsListener, s.handler(), log)
	serveHTTP(ctx, group, health, healthHandler(id, m, func() bool { return synced() && in.done.Load() }), log)
	return group.Wait()
}

// until waits for a condition.
func until(ctx context.Context, ready func() bool) error {
	for !ready() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// serveHTTP runs a server in the group until ctx ends.
func serveHTTP(ctx context.Context, group *errgroup.Group, l net.Listener, h http.Handler, log *slog.Logger) {
	srv := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	group.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		// The group's context is over: the drain needs one of its own.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		return srv.Shutdown(stop)
	})
}

// healthHandler answers the probes: alive while the certificate is fresh, ready when ready says so.
func healthHandler(id *identity, m *metrics, ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := id.fresh(time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "waiting for the list of pods and for the webhook configuration to take our CA", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.Handle("GET /metrics", m.handler())
	return mux
}
