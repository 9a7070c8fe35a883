// Command natsexporter stands in for the upstream prometheus-nats-exporter, which cannot be had as a module everywhere: it takes the flags that
// a city gives it, and tells what of the upstream exporter's metrics a city's rules and dashboards read, under the same names and labels.
//
// Build: CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o prometheus-nats-exporter .
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatalf("prometheus-nats-exporter: %v", err)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("prometheus-nats-exporter", flag.ContinueOnError)
	address := flags.String("addr", "0.0.0.0", "address to listen on")
	port := flags.Int("port", 7777, "port to listen on")
	varz := flags.Bool("varz", false, "tell the server's own numbers")
	jsz := flags.String("jsz", "", "tell JetStream's numbers: all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("the address of NATS's monitoring is wanted, http://host:port")
	}
	if *jsz != "" && *jsz != "all" {
		return fmt.Errorf("-jsz %q: this stand-in knows all alone", *jsz)
	}
	e := exporter{client: &http.Client{Timeout: 5 * time.Second}, server: flags.Arg(0), varz: *varz, jsz: *jsz != ""}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", e.serve)
	s := &http.Server{Addr: net.JoinHostPort(*address, strconv.Itoa(*port)), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// exporter asks one server.
type exporter struct {
	client    *http.Client
	server    string
	varz, jsz bool
}

// serve answers a scrape. A server that does not answer is told by gnatsd_up, as upstream does it.
func (e exporter) serve(w http.ResponseWriter, r *http.Request) {
	var v varz
	up := e.get(r.Context(), "/varz", &v) == nil
	var page page
	page.add("gnatsd_up", number(up), label{"server_id", e.server})
	if up && e.varz {
		page.varz(v, e.server)
	}
	var j jsz
	if up && e.jsz && e.get(r.Context(), "/jsz?consumers=true&config=true", &j) == nil {
		page.jsz(j, v.Name, e.server)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(page.Bytes())
}

func (e exporter) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.server+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, response.Status)
	}
	return json.NewDecoder(io.LimitReader(response.Body, 16<<20)).Decode(into)
}
