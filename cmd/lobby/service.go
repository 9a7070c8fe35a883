package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/api"
	"github.com/edge-arena/edge-arena/lobby/joinpolicy"
	"github.com/edge-arena/edge-arena/lobby/ledger"
	"github.com/edge-arena/edge-arena/lobby/metrics"
	"github.com/edge-arena/edge-arena/lobby/placement"
	"github.com/edge-arena/edge-arena/lobby/presence"
	"github.com/edge-arena/edge-arena/lobby/ratelimit"
	"github.com/edge-arena/edge-arena/lobby/token"
)

// The times that rule.
const (
	// tick is how often what is due is done, silent is when it has not been done for so long that something is stuck.
	tick   = 100 * time.Millisecond
	silent = 5 * time.Second
	// settle is how long after the first connection to NATS each pod has said that it is there, twice.
	settle = time.Second
	// lookAtKeys is how often the players' keys are looked at.
	lookAtKeys = time.Second
	// drain is how long requests in flight may take when the service stops.
	drain = 5 * time.Second
)

// The numbers of players and addresses whose rate is known: some 200 bytes each.
const knownCallers = 100_000

// lockedWriter lets the log and the decision log share one writer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// service is the lobby.
type service struct {
	cfg     *config
	log     *slog.Logger
	board   *placement.Board
	metrics *metrics.Metrics
	keys    *token.Keys
	policy  *joinpolicy.Policy
	ledger  *ledger.Ledger
	nats    *nats.Conn
	listen  net.Listener

	// beat is when the event loop last ran, connected when NATS was first there: both in ns since 1970, 0 for never.
	beat, connected atomic.Int64
	stopping        atomic.Bool
}

// open makes all that can fail at the start.
func open(ctx context.Context, cfg *config, w io.Writer) (s *service, err error) {
	out := &lockedWriter{w: w}
	s = &service{
		cfg: cfg, log: slog.New(slog.NewJSONHandler(out, nil)).With("city", cfg.city),
		board: placement.New(placement.Config{TicketLifetime: cfg.ticketLifetime}),
	}
	s.metrics = metrics.New(s.board.Stats)
	s.beat.Store(time.Now().UnixNano())
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.keys, err = token.OpenKeys(cfg.playerKeys); err != nil {
		return s, err
	}
	if s.policy, err = s.openPolicy(ctx, out); err != nil {
		return s, err
	}
	if s.ledger, err = s.openLedger(ctx); err != nil {
		return s, err
	}
	if s.nats, err = s.connect(); err != nil {
		return s, err
	}
	if s.listen, err = net.Listen("tcp", cfg.listen); err != nil {
		return s, fmt.Errorf("listen for players: %w", err)
	}
	return s, nil
}

func (s *service) openPolicy(ctx context.Context, out io.Writer) (*joinpolicy.Policy, error) {
	p, err := joinpolicy.Open(ctx, s.cfg.policy, out, joinpolicy.Options{
		Keep: filepath.Join(filepath.Dir(s.cfg.ledger), "join.rego"), Log: s.log,
		OnDecision: func(r joinpolicy.Result, eval time.Duration) { s.metrics.Decided(string(r), eval) },
	})
	if err != nil {
		return nil, err
	}
	count := func(name, help, result string, value func(joinpolicy.Stats) uint64) {
		s.metrics.Counter(name, help, resultLabel(result), func() float64 { return float64(value(p.Stats())) })
	}
	const reloads, help = "lobby_policy_reloads_total", "Changes of the join policy by result."
	count(reloads, help, "taken", func(st joinpolicy.Stats) uint64 { return st.Reloads })
	count(reloads, help, "refused", func(st joinpolicy.Stats) uint64 { return st.Refused })
	count("lobby_policy_log_dropped_total", "Decisions that the decision log has lost.", "", func(st joinpolicy.Stats) uint64 { return st.LogDropped })
	s.metrics.Gauge("lobby_policy_stale", "Whether the join policy in use is not the one in the file: that is broken.", func() float64 {
		return boolean(p.Stats().Stale)
	})
	return p, nil
}

// connect begins to connect to NATS, which may come later than the lobby, and go and come again.
func (s *service) connect() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("lobby " + s.cfg.city), nats.UserInfo(s.cfg.natsUser, s.cfg.natsPassword), nats.CustomInboxPrefix("_INBOX.lobby"),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.ReconnectWait(500 * time.Millisecond),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(2 * time.Second),
		nats.ConnectHandler(s.onConnect), nats.ReconnectHandler(s.onConnect),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if !s.stopping.Load() {
				s.metrics.Disconnected()
				s.log.Warn("NATS is gone", "err", errText(err))
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			s.log.Error("NATS reports an error", "subject", subject, "err", errText(err))
		}),
	}
	if s.cfg.natsCA != "" {
		options = append(options, nats.RootCAs(s.cfg.natsCA))
	}
	nc, err := nats.Connect(s.cfg.nats, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	s.metrics.Gauge("lobby_nats_connected", "Whether the lobby is connected to NATS.", func() float64 { return boolean(nc.IsConnected()) })
	refusals := rate.Sometimes{First: 3, Interval: 10 * time.Second} // who forges presences must not fill the log
	l := presence.Listener{Verify: s.cfg.ticketKeys.Verify, Take: s.board.Presence, Count: func(r presence.Result, why error) {
		s.metrics.Heard(r)
		if why != nil {
			refusals.Do(func() { s.log.Warn("refused a presence", "result", string(r), "err", why) })
		}
	}}
	if err := l.Subscribe(nc); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (s *service) onConnect(nc *nats.Conn) {
	s.connected.CompareAndSwap(0, time.Now().UnixNano())
	s.log.Info("NATS is there", "server", nc.ConnectedServerName())
}

// serve runs until ctx ends, and finishes what is in flight.
func (s *service) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { s.loop(ctx); return nil })
	group.Go(func() error { s.keys.Watch(ctx, lookAtKeys, s.keysChanged); return nil })
	if err := s.keepResults(ctx, group); err != nil {
		cancel()
		return errors.Join(err, group.Wait())
	}
	a := &api.Server{
		Tokens: &token.Verifier{Keys: s.keys, Issuer: s.cfg.issuer, Audience: s.cfg.audience},
		Board:  s.board, Policy: admission{s.policy}, Ledger: book{s.ledger}, Observer: s.metrics,
		Pseudonym: s.cfg.pseudonyms.Of, Seal: s.cfg.ticketKeys.Seal,
		Players:   ratelimit.New[ticket.ID](s.cfg.joinRate, knownCallers),
		Addresses: ratelimit.New[netip.Prefix](s.cfg.addressRate, knownCallers),
		Alive:     s.alive, Ready: s.ready, Metrics: s.metrics.Handler(), Log: s.log,
	}
	srv := &http.Server{
		// A player who connects and says nothing must not hold a place for long. What the server itself logs names addresses, so it says nothing.
		Handler: a.Handler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn), MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
	}
	s.log.Info("serving", "address", s.listen.Addr().String())
	group.Go(func() error {
		if err := srv.Serve(s.listen); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve players: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		s.stopping.Store(true)
		// The group's context is over: the drain needs one of its own.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		return srv.Shutdown(stop)
	})
	err := group.Wait()
	s.log.Info("stopped")
	return err
}

// loop does what is due, and is what lives when the lobby does.
func (s *service) loop(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.board.Tick()
		s.beat.Store(time.Now().UnixNano())
	}
}

func (s *service) keysChanged(err error) {
	s.metrics.KeysReloaded(err)
	if err != nil {
		s.log.Error("the players' keys are broken: going on with the last ones that worked", "err", err)
		return
	}
	s.log.Info("took up the players' keys")
}

func (s *service) alive() error {
	if since := time.Since(time.Unix(0, s.beat.Load())); since > silent {
		return fmt.Errorf("the event loop has been stuck for %s", since.Round(time.Second))
	}
	return nil
}

func (s *service) ready() error {
	at := s.connected.Load()
	switch {
	case s.stopping.Load():
		return errors.New("the lobby is stopping")
	case at == 0:
		return errors.New("NATS has not been reached")
	case time.Since(time.Unix(0, at)) < settle:
		return errors.New("listening for battle pods")
	default:
		return nil
	}
}

// close gives back what open has made. Nobody is served any more.
func (s *service) close() error {
	var errs []error
	if s.listen != nil {
		if err := s.listen.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.nats != nil {
		s.nats.Close()
	}
	if s.policy != nil {
		errs = append(errs, s.policy.Close())
	}
	if s.ledger != nil {
		errs = append(errs, s.ledger.Close())
	}
	return errors.Join(errs...)
}

// admission asks the join policy.
type admission struct{ policy *joinpolicy.Policy }

func (a admission) Admit(ctx context.Context, player ticket.ID, role string, g placement.Game) (bool, error) {
	in := joinpolicy.Input{
		Action: joinpolicy.ActionJoin, User: joinpolicy.User{ID: player.String(), Role: role},
		Game: joinpolicy.Game{ID: g.Battle.String(), Status: string(g.Status), Players: make([]string, len(g.Players))},
	}
	for i, id := range g.Players {
		in.Game.Players[i] = id.String()
	}
	return a.policy.Allow(ctx, in)
}
