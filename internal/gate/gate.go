package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/edge-arena/edge-arena/internal/slo"
)

// errUnplayable is a city whose pods say that they are ready, and yet nobody can play there.
var errUnplayable = errors.New("the battle pods could not be played at")

// gate holds one city to its objectives.
type gate struct {
	spec Spec
	city *city
	// lock is the file that the gate holds while it plays.
	lock string
	log  io.Writer
	play func(context.Context, slo.Config, []slo.Target) (slo.Report, error)
}

// pass plays at the city. The outcome is nil where it could not be played; an error is a miss, or why it could not.
func (g *gate) pass(ctx context.Context) (outcome *slo.Outcome, err error) {
	release, err := turn(ctx, g.lock, g.log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err = g.city.bring(ctx, g.log); err == nil {
		outcome, err = g.measure(ctx)
	}
	switch {
	case errors.Is(err, errNotReady) || errors.Is(err, errUnplayable):
		return nil, g.rollBack(ctx, nil, err)
	case err != nil:
		// An API server that does not answer is not the image's fault.
		return nil, err
	}
	if !outcome.Pass {
		return outcome, g.rollBack(ctx, outcome, missed(outcome))
	}
	return outcome, g.city.remember(ctx)
}

// measure plays until the result stands: a miss is doubted while the bots themselves came late, as often as the spec allows.
func (g *gate) measure(ctx context.Context) (*slo.Outcome, error) {
	for attempt := 1; ; attempt++ {
		targets, err := slo.DiscoverBy(ctx, g.city.client, g.spec.Namespace, selector)
		if err != nil {
			return nil, err
		}
		if len(targets) != g.spec.Pods {
			return nil, fmt.Errorf("%w: %d of %d battle pods are ready before attempt %d", errNotReady, len(targets), g.spec.Pods, attempt)
		}
		_, _ = fmt.Fprintf(g.log, "playing %d bots on each of %d pods for %s\n", g.spec.Bots, len(targets), g.spec.Duration)
		report, err := g.play(ctx, slo.Config{
			Objectives: g.spec.Objectives, Bots: g.spec.Bots, TickRate: g.spec.TickRate, Duration: g.spec.Duration,
		}, targets)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnplayable, err)
		}
		if report.Pass || len(report.Warnings) == 0 || attempt >= g.spec.Attempts {
			outcome := slo.NewOutcome(g.spec.Subject, g.spec.Image, attempt, report)
			return &outcome, nil
		}
		_, _ = fmt.Fprintf(g.log, "attempt %d of %d: %s; once more, for %s\n", attempt, g.spec.Attempts, misses(report.Verdicts), report.Warnings[0])
	}
}

// rollBack puts the city back to the last image that passed, where the spec wants that, and adds to the reason what became of it.
func (g *gate) rollBack(ctx context.Context, outcome *slo.Outcome, reason error) error {
	if !g.spec.Rollback || ctx.Err() != nil {
		return reason
	}
	image, err := g.city.back(ctx, g.log)
	if image == "" {
		return errors.Join(reason, fmt.Errorf("the battle pods were not put back: %w", err))
	}
	if outcome != nil {
		outcome.RolledBackTo = image
	}
	if err != nil {
		return errors.Join(reason, fmt.Errorf("the battle pods were put back to the last image that passed here, %s, but: %w", image, err))
	}
	return errors.Join(reason, fmt.Errorf("the battle pods were put back to the last image that passed here, %s", image))
}

// missed is the error of an outcome that is no pass.
func missed(o *slo.Outcome) error {
	text := fmt.Sprintf("objectives missed: %s (%d pods, %d bots each, %gs", misses(o.Verdicts), o.Conditions.Pods, o.Conditions.BotsPerPod, o.Conditions.DurationSec)
	if o.Attempts > 1 {
		text += fmt.Sprintf(", attempt %d", o.Attempts)
	}
	text += ")"
	for _, w := range o.Warnings {
		text += "\nwarning: " + w
	}
	return errors.New(text)
}

func misses(verdicts []slo.Verdict) string {
	var list []string
	for _, v := range verdicts {
		if v.Pass {
			continue
		}
		measured := "nothing measured"
		if v.Value != nil {
			measured = fmt.Sprintf("%.3f %s", *v.Value, v.Unit)
		}
		list = append(list, fmt.Sprintf("%s %s, required %s %g %s", v.Name, measured, v.Comparison, v.Threshold, v.Unit))
	}
	return strings.Join(list, "; ")
}
