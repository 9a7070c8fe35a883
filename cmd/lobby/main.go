// Lobby is a city's native service: it lets players into battles, and keeps how the battles ended.
//
// It runs once per city, beside NATS. Players ask it over HTTP for a seat (see /v1/openapi.yaml) and get the address of a battle pod with a ticket
// for it; battle pods tell it over NATS that they are there and how their battles ended.
//
// # Flags
//
//	-listen            address of the API and of /healthz, /readyz and /metrics, HTTP (default :8080)
//	-city              name of the city (required)
//	-ledger            file of the results (default /var/lib/lobby/ledger.db)
//	-backups           folder of its backups (default /var/lib/lobby/backups)
//	-backup-every      time between two backups (default 6h)
//	-backup-keep       how many backups to keep (default 28)
//	-policy            file of the join policy, taken up when it changes (default /etc/lobby/policy/join.rego)
//	-player-keys       JWKS file with the players' public keys, taken up when it changes (default /etc/lobby/keys/jwks.json)
//	-issuer, -audience what a player's token must name (issuer required; audience edge-arena by default)
//	-ticket-lifetime   how long a ticket can be used (default 10s)
//	-join-rate         how often a player may ask for a seat (default 10/10s)
//	-address-rate      how often an address may ask for anything (default 200/10s)
//	-nats              URL of NATS (default tls://nats.city.svc:4222)
//	-nats-ca           file of the CA that NATS's certificate is from; the system's when empty (default /etc/lobby/nats/ca.crt)
//
// # Environment
//
//	TICKET_KEYS                 keys that tickets are sealed with, `number:hex,…`, the one to use first (required)
//	PSEUDONYM_KEY               key that players' pseudonyms are made with, 64 hexadecimal digits (required)
//	NATS_USER, NATS_PASSWORD    how it logs in to NATS (required)
//
// # Deployment
//
// Seats live in memory and come back from the pods themselves within a second: run one replica, with strategy Recreate. The ledger needs a volume. It
// is ready when it has heard the city's pods; without NATS it starts, and is not ready.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends. Logs go to w as JSON lines.
func run(ctx context.Context, args []string, env func(string) string, w io.Writer) error {
	cfg, err := parse(args, env, w)
	if err != nil {
		return err
	}
	s, err := open(ctx, cfg, w)
	if err != nil {
		return err
	}
	return errors.Join(s.serve(ctx), s.close())
}
