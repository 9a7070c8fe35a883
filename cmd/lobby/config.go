package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/edge-arena/edge-arena/lobby/keyring"
	"github.com/edge-arena/edge-arena/lobby/pseudonym"
	"github.com/edge-arena/edge-arena/lobby/ratelimit"
)

// config is what the service is told by its flags and its environment.
type config struct {
	listen, city           string
	ledger, backups        string
	backupEvery            time.Duration
	backupKeep             int
	policy, playerKeys     string
	issuer, audience       string
	ticketLifetime         time.Duration
	joinRate, addressRate  ratelimit.Rate
	nats, natsCA           string
	natsUser, natsPassword string // from the environment, as are the keys
	ticketKeys             *keyring.Ring
	pseudonyms             *pseudonym.Key
}

// The bounds of a ticket's life: it is for one handshake. A seat that is kept for nobody is lost for that long.
const (
	minLifetime = time.Second
	maxLifetime = 30 * time.Second
)

// parse reads the command line (without the program's name) and the environment; usage and errors of syntax are printed to output.
func parse(args []string, env func(string) string, output io.Writer) (*config, error) {
	c := &config{
		joinRate: ratelimit.Rate{Requests: 10, Per: 10 * time.Second}, addressRate: ratelimit.Rate{Requests: 200, Per: 10 * time.Second},
		natsUser: env("NATS_USER"), natsPassword: env("NATS_PASSWORD"),
	}
	f := flag.NewFlagSet("lobby", flag.ContinueOnError)
	f.SetOutput(output)
	f.StringVar(&c.listen, "listen", ":8080", "`address` of the API and of /healthz, /readyz and /metrics, HTTP")
	f.StringVar(&c.city, "city", "", "`name` of the city (required)")
	f.StringVar(&c.ledger, "ledger", "/var/lib/lobby/ledger.db", "`file` of the results")
	f.StringVar(&c.backups, "backups", "/var/lib/lobby/backups", "`folder` of the ledger's backups")
	f.DurationVar(&c.backupEvery, "backup-every", 6*time.Hour, "time between two backups")
	f.IntVar(&c.backupKeep, "backup-keep", 28, "`number` of backups to keep")
	f.StringVar(&c.policy, "policy", "/etc/lobby/policy/join.rego", "`file` of the join policy, taken up when it changes")
	f.StringVar(&c.playerKeys, "player-keys", "/etc/lobby/keys/jwks.json", "JWKS `file` with the players' public keys, taken up when it changes")
	f.StringVar(&c.issuer, "issuer", "", "issuer that a player's token must `name` (required)")
	f.StringVar(&c.audience, "audience", "edge-arena", "audience that a player's token must `name`")
	f.DurationVar(&c.ticketLifetime, "ticket-lifetime", 10*time.Second, "how long a ticket can be used")
	f.Var(&c.joinRate, "join-rate", "how often a player may ask for a seat, `requests/time`")
	f.Var(&c.addressRate, "address-rate", "how often an address may ask for anything, `requests/time`")
	f.StringVar(&c.nats, "nats", "tls://nats.city.svc:4222", "`URL` of NATS; the user is $NATS_USER, the password $NATS_PASSWORD")
	f.StringVar(&c.natsCA, "nats-ca", "/etc/lobby/nats/ca.crt", "`file` of the CA that NATS's certificate is from; the system's when empty")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return c, c.check(env)
}

// check reports every problem at once.
func (c *config) check(env func(string) string) error {
	var errs []error
	for _, required := range []struct{ name, value string }{
		{"-listen", c.listen}, {"-city", c.city}, {"-ledger", c.ledger}, {"-backups", c.backups}, {"-policy", c.policy}, {"-player-keys", c.playerKeys},
		{"-issuer", c.issuer}, {"-audience", c.audience}, {"-nats", c.nats}, {"NATS_USER", c.natsUser}, {"NATS_PASSWORD", c.natsPassword},
	} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("%s: required", required.name))
		}
	}
	if c.ticketLifetime < minLifetime || c.ticketLifetime > maxLifetime {
		errs = append(errs, fmt.Errorf("-ticket-lifetime %s: must be %s to %s", c.ticketLifetime, minLifetime, maxLifetime))
	}
	if c.backupEvery < time.Minute {
		errs = append(errs, fmt.Errorf("-backup-every %s: must be 1m or more", c.backupEvery))
	}
	if c.backupKeep < 1 {
		errs = append(errs, fmt.Errorf("-backup-keep %d: must be 1 or more", c.backupKeep))
	}
	var err error
	if c.ticketKeys, err = keyring.Parse(env("TICKET_KEYS")); err != nil {
		errs = append(errs, fmt.Errorf("TICKET_KEYS: %w", err))
	}
	if c.pseudonyms, err = pseudonym.ParseKey(env("PSEUDONYM_KEY")); err != nil {
		errs = append(errs, fmt.Errorf("PSEUDONYM_KEY: %w", err))
	}
	return errors.Join(errs...)
}
