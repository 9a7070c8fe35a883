package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/ledger"
	"github.com/edge-arena/edge-arena/lobby/results"
)

// book is the ledger for the API.
type book struct{ *ledger.Ledger }

// Battle says how a battle ended, if it is known.
func (b book) Battle(ctx context.Context, id ticket.ID) (report.Result, bool, error) {
	r, err := b.Ledger.Battle(ctx, id)
	if errors.Is(err, ledger.ErrUnknown) {
		return report.Result{}, false, nil
	}
	return r, err == nil, err
}

// openLedger opens the ledger and mends it where it must be.
func (s *service) openLedger(ctx context.Context) (*ledger.Ledger, error) {
	l, err := ledger.Open(ctx, s.cfg.ledger, ledger.WithBackups(s.cfg.backups), ledger.WithLogger(s.log))
	if err != nil {
		return nil, err
	}
	count := func(name, help, result string, value func(ledger.Stats) uint64) {
		s.metrics.Counter(name, help, resultLabel(result), func() float64 { return float64(value(l.Stats())) })
	}
	const recorded, news = "lobby_results_recorded_total", "Results that came to the ledger by whether they were new there."
	count(recorded, news, "new", func(st ledger.Stats) uint64 { return st.Recorded })
	count(recorded, news, "duplicate", func(st ledger.Stats) uint64 { return st.Duplicates })
	const backups, help = "lobby_ledger_backups_total", "Backups of the ledger by result."
	count(backups, help, "ok", func(st ledger.Stats) uint64 { return st.Backups })
	count(backups, help, "failed", func(st ledger.Stats) uint64 { return st.BackupFailures })
	s.metrics.Gauge("lobby_ledger_last_backup_timestamp_seconds", "When the newest good backup of the ledger was begun; 0 for never.", func() float64 {
		if at := l.Stats().LastBackup; !at.IsZero() {
			return float64(at.Unix())
		}
		return 0
	})
	s.metrics.Gauge("lobby_ledger_mended", "Whether the ledger was damaged or missing at the start.", func() float64 { return boolean(l.Recovered() != nil) })
	return l, nil
}

// keepResults records what comes, and backs the ledger up, until ctx ends.
func (s *service) keepResults(ctx context.Context, group *errgroup.Group) error {
	source, err := results.NATS(s.nats)
	if err != nil {
		return err
	}
	c := results.New(results.Config{Source: source, Ledger: s.ledger, Verify: s.cfg.ticketKeys.Verify, Log: s.log})
	count := func(name, help, result string, value func(results.Stats) uint64) {
		s.metrics.Counter(name, help, resultLabel(result), func() float64 { return float64(value(c.Stats())) })
	}
	const refused, help = "lobby_results_refused_total", "Messages in the stream of results that are none."
	count(refused, help, "forged", func(st results.Stats) uint64 { return st.Forged })
	count(refused, help, "malformed", func(st results.Stats) uint64 { return st.Malformed })
	count(refused, help, "misnamed", func(st results.Stats) uint64 { return st.Misnamed })
	count("lobby_results_missed_total", "Results that the stream had forgotten before they were read.", "", func(st results.Stats) uint64 { return st.Missed })
	count("lobby_results_restarts_total", "Times the stream of results was opened anew after a failure.", "", func(st results.Stats) uint64 { return st.Restarts })
	s.metrics.Gauge("lobby_results_lag", "Results that are in the stream and not yet in the ledger.", func() float64 { return float64(c.Stats().Lag) })
	s.metrics.Gauge("lobby_results_delay_seconds", "Time that the last result took from the stream to the ledger.", func() float64 {
		return c.Stats().Delay.Seconds()
	})
	s.metrics.Gauge("lobby_results_connected", "Whether the stream of results is being read.", func() float64 { return boolean(c.Stats().Connected) })
	group.Go(func() error { return c.Run(ctx) })
	group.Go(func() error { return s.ledger.RunBackups(ctx, s.cfg.backups, s.cfg.backupEvery, s.cfg.backupKeep) })
	return nil
}

// resultLabel is none for an empty result.
func resultLabel(result string) map[string]string {
	if result == "" {
		return nil
	}
	return map[string]string{"result": result}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
