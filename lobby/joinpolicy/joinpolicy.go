// Package joinpolicy decides who may join a battle, by the city's Rego policy `package gaming`.
//
// The policy is a file, in a city a key of a ConfigMap. It is compiled and prepared once, and anew when its content has changed; decisions under
// way keep the one that they began with. What is no policy (it does not compile, has no data.gaming.allow, or does not say true or false when it is
// asked about joins as they come) never takes the place of one that works: it is refused, counted and told, and the lobby goes on with what it
// has. That outlives a restart where [Options.Keep] names a file.
//
// A policy decides by its input alone: it has no functions that reach the network or the process.
//
// Each decision is a line of JSON in the decision log, see [Options]: who (a pseudonym), which battle, what, by which policy and how fast. A log that
// does not keep up loses lines, which are counted; it never delays a join.
package joinpolicy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// ActionJoin is the action of an [Input].
const ActionJoin = "join"

// Input is what the policy is asked about.
type Input struct {
	// Action is [ActionJoin].
	Action string `json:"action"`
	User   User   `json:"user"`
	Game   Game   `json:"game"`
}

// User is who wants to join.
type User struct {
	// ID is the player's pseudonym, 32 hexadecimal digits.
	ID string `json:"id"`
	// Role is the role that the player's token says.
	Role string `json:"role"`
}

// Game is the battle to join.
type Game struct {
	// ID is the battle's identity, 32 hexadecimal digits.
	ID string `json:"id"`
	// Status is `waiting` while the battle takes players.
	Status string `json:"status"`
	// Players are the pseudonyms of those who have a place in it.
	Players []string `json:"players"`
}

// Options are how a policy is run.
type Options struct {
	// Every is how often the file is looked at. Default is 1 s.
	Every time.Duration
	// Timeout is the longest that one decision may take. Default is 1 s.
	Timeout time.Duration
	// Keep is a file for the last policy that worked, which is taken when the lobby starts while the policy's own file is broken. Default is none:
	// then it does not start.
	Keep string
	// LogBuffer is how many decisions may wait to be written to the log; more are dropped. Default is 4096, some half a megabyte.
	LogBuffer int
	// Log takes what happens to the policy itself. Default is none.
	Log *slog.Logger
	// OnDecision is called after each decision, with the time of its evaluation; it must not block. Default is none.
	OnDecision func(result Result, eval time.Duration)
}

func (o Options) withDefaults() Options {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.LogBuffer <= 0 {
		o.LogBuffer = 4096
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Result is a decision, as the log says it.
type Result string

// The results of a decision. Failed is a policy that could not be evaluated; nobody joins by it.
const (
	Allowed Result = "allow"
	Denied  Result = "deny"
	Failed  Result = "error"
)

// Stats are what a [Policy] has counted since it was opened.
type Stats struct {
	// Allowed, Denied and Failed count decisions by result.
	Allowed, Denied, Failed uint64
	// Reloads counts changes of the policy that were taken, Refused those that were not.
	Reloads, Refused uint64
	// Stale is whether the file now holds something else than the policy in use: it is broken or gone.
	Stale bool
	// Revision is that of the policy in use: the first 12 hexadecimal digits of its text's SHA-256.
	Revision string
	// LogDropped counts the lines that the decision log has lost.
	LogDropped uint64
}

// Policy is the join policy in use. Its methods may be called by several goroutines at once.
type Policy struct {
	path    string
	opts    Options
	current atomic.Pointer[prepared]
	log     *decisionLog
	stop    context.CancelFunc
	watch   sync.WaitGroup

	allowed, denied, failed, reloads, refused atomic.Uint64
	stale                                     atomic.Bool
}

// Open reads the policy at path and keeps it current until ctx ends or [Policy.Close] is called. Decisions are written to decisionLog, each with
// one Write of one or more whole lines.
func Open(ctx context.Context, path string, decisionLog io.Writer, opts Options) (*Policy, error) {
	opts = opts.withDefaults()
	p := &Policy{path: path, opts: opts}
	text, err := read(path)
	readable := err == nil
	var first *prepared
	if readable {
		first, err = prepare(ctx, path, text, opts.Timeout)
	}
	if err != nil {
		err = fmt.Errorf("join policy %s: %w", path, err)
		if first = p.kept(ctx); first == nil {
			return nil, err
		}
		p.refuse(err)
		opts.Log.Error("the join policy is broken: going on with the last one that worked", "revision", first.revision, "error", err)
	} else {
		p.keep(text)
	}
	p.current.Store(first)
	p.log = newDecisionLog(decisionLog, opts.LogBuffer)
	ctx, p.stop = context.WithCancel(ctx)
	p.watch.Go(func() { p.follow(ctx, text, readable) })
	return p, nil
}

// Close ends the watch for changes and writes what is left of the decision log. The policy still decides, but its decisions are no longer logged.
func (p *Policy) Close() error {
	p.stop()
	p.watch.Wait()
	return p.log.close()
}

// Allow says whether the player may join the battle. With an error nobody may.
func (p *Policy) Allow(ctx context.Context, in Input) (bool, error) {
	use := p.current.Load()
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.opts.Timeout)
	allowed, err := use.eval(ctx, &in)
	cancel()
	took := time.Since(start)

	result := Denied
	switch {
	case err != nil:
		result = Failed
		p.failed.Add(1)
	case allowed:
		result = Allowed
		p.allowed.Add(1)
	default:
		p.denied.Add(1)
	}
	p.log.add(decision{at: start, result: result, battle: in.Game.ID, player: in.User.ID, revision: use.revision, eval: took})
	if p.opts.OnDecision != nil {
		p.opts.OnDecision(result, took)
	}
	if err != nil {
		return false, fmt.Errorf("evaluate the join policy %s: %w", use.revision, err)
	}
	return allowed, nil
}

// Stats returns what has been counted.
func (p *Policy) Stats() Stats {
	return Stats{
		Allowed: p.allowed.Load(), Denied: p.denied.Load(), Failed: p.failed.Load(),
		Reloads: p.reloads.Load(), Refused: p.refused.Load(), Stale: p.stale.Load(),
		Revision: p.current.Load().revision, LogDropped: p.log.dropped.Load(),
	}
}
