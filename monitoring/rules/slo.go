package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/monitoring"
)

// burn is a pair of windows in which a budget burns too fast: the long one says that it matters, the short one that it goes on. An error budget that
// burns by factor 1 is used up at the end of its window.
type burn struct {
	long, short string
	factor      float64
	severity    string
}

// shortest is the window that all pages have besides their own: nobody is kept awake for more than 5 minutes after it is over.
const shortest = "5m"

// burns are the windows of Google's SRE workbook ("Alerting on SLOs", table 5-8): 2 % of the month's budget in an hour, 5 % in six, 10 % in a day,
// 10 % in three.
func burns() []burn {
	return []burn{{"1h", "5m", 14.4, Page}, {"6h", "30m", 6, Page}, {"1d", "2h", 3, Ticket}, {"3d", "6h", 1, Ticket}}
}

// majorityBurns are for budgets so large that such factors cannot be: half of the round trips may take longer than the median's bound, and no more than
// all of them can, which is twice the budget. The first window says that three quarters do, the second that more than half do.
func majorityBurns() []burn {
	return []burn{{"1h", "5m", 1.5, Page}, {"6h", "30m", 1, Ticket}}
}

func burnsOf(o monitoring.Objective) []burn {
	if all := burns(); all[0].factor*o.Budget() < 1 {
		return all
	}
	return majorityBurns()
}

// The recorded series of each objective, with the label `objective`. Long windows are reckoned from the short rates, events and errors apart, so that
// a window's share is that of all its events, and three days cost as little as one series' samples.
const (
	events     = "city:slo_events:rate1m"
	errors     = "city:slo_errors:rate1m"
	errorRatio = "city:slo_error_ratio:rate" // and the window
	eventCount = "city:slo_events:sum"       // and the window: how many there were
	inService  = "city:in_service:bool"
	// outage is for how many seconds a city has been away by now: 0 while it is there.
	outage = "city:outage_seconds:current"
)

// badMoment is how bad a moment is; at half and more a city counts as away.
const badMoment = errors + `{objective="availability"}`

// step is how often the two series are recorded, in seconds: the evaluation interval of a city's Prometheus.
const step = 15

// recorded are the recording rules of the objectives.
func recorded() []Group {
	now := Group{Name: "slo", Interval: strconv.Itoa(step) + "s", Rules: []Rule{{
		// Once a city has been whole, it is in service, until nobody has been able to tell for an hour.
		Record: inService, Expr: `(max(up{job="lobby"}) * max(up{job="battle"}) == 1) or last_over_time(` + inService + `[1h])`,
	}}}
	for _, o := range monitoring.Objectives().Ratios() {
		labels := map[string]string{"objective": o.Name}
		now.Rules = append(now.Rules,
			Rule{Record: events, Expr: o.Events, Labels: labels},
			Rule{Record: errors, Expr: "clamp_min(" + o.Errors + ", 0)", Labels: labels})
	}
	// Each step adds to what the step before has recorded. It begins when two scrapes in a row have failed, so what is over within the promised 10 s stays 0.
	now.Rules = append(now.Rules, Rule{Record: outage, Expr: fmt.Sprintf(`sum(%s >= bool 0.5) * (%d + (last_over_time(%s[1m]) or vector(0)))`, badMoment, step, outage)})
	short, long := Group{Name: "slo-windows", Interval: "30s"}, Group{Name: "slo-long-windows", Interval: "2m"}
	for _, w := range []string{"5m", "30m", "1h", "2h", "6h"} {
		short.Rules = append(short.Rules, ratioOver(w))
	}
	for _, w := range []string{"1h", "6h"} {
		short.Rules = append(short.Rules, countOver(w))
	}
	for _, w := range []string{"1d", "3d"} {
		long.Rules = append(long.Rules, ratioOver(w), countOver(w))
	}
	// What the hub counts the month's budget by.
	for _, series := range []string{events, errors} {
		long.Rules = append(long.Rules, Rule{Record: strings.TrimSuffix(series, "1m") + "1h", Expr: "avg_over_time(" + series + "[1h])"})
	}
	return []Group{now, short, long}
}

func ratioOver(window string) Rule {
	return Rule{
		Record: errorRatio + window,
		Expr:   fmt.Sprintf("sum_over_time(%s[%s]) / (sum_over_time(%s[%s]) > 0)", errors, window, events, window),
	}
}

// countOver is how many events there were in a window, those of the time in which nothing was recorded left out.
func countOver(window string) Rule {
	return Rule{Record: eventCount + window, Expr: fmt.Sprintf("sum_over_time(%s[%s]) * %d", events, window, step)}
}

// burning are the burn-rate alerts: for each objective one that pages, and one that writes a ticket.
func burning() []Group {
	g := Group{Name: "slo-burn"}
	for _, o := range monitoring.Objectives().Ratios() {
		for _, severity := range []string{Page, Ticket} {
			g.Rules = append(g.Rules, burningFor(o, severity).rule())
		}
	}
	return []Group{g}
}

// BurnAlert is the name of an objective's burn-rate alerts.
func BurnAlert(o monitoring.Objective) string {
	return strings.ReplaceAll(strings.ReplaceAll(o.Title, "rate", "Rate"), " ", "") + "BurnsBudget"
}

func burningFor(o monitoring.Objective, severity string) alert {
	var pairs, spans []string
	for _, b := range burnsOf(o) {
		if b.severity != severity {
			continue
		}
		limit := strconv.FormatFloat(b.factor*o.Budget(), 'g', 6, 64)
		of := func(window string) string {
			return fmt.Sprintf(`%s%s{objective="%s"} > %s`, errorRatio, window, o.Name, limit)
		}
		pair := of(b.long) + " and " + of(b.short)
		if severity == Page && b.short != shortest {
			pair += " and " + of(shortest)
		}
		if o.LeastEvents > 0 {
			pair += fmt.Sprintf(` and %s%s{objective="%s"} >= %s`, eventCount, b.long, o.Name, number(o.LeastEvents))
		}
		pairs = append(pairs, "("+pair+")")
		spans = append(spans, fmt.Sprintf("%s for %s", share(b.factor*o.Budget()), b.long))
	}
	among := ""
	if o.LeastEvents > 0 {
		among = ", among " + number(o.LeastEvents) + " or more"
	}
	return alert{
		name: BurnAlert(o), severity: severity, expr: strings.Join(pairs, "\nor\n"), labels: map[string]string{"objective": o.Name},
		summary: fmt.Sprintf("%s of city {{ $externalLabels.city }} breaks its promise: {{ $value | humanizePercentage }} of it is bad", o.Title),
		description: fmt.Sprintf("Promised is that %s, over %d days. Raised at more than %s of bad events%s. The error budget does not last for that long.",
			o.Promise, monitoring.Objectives().Window/(24*time.Hour), strings.Join(spans, ", or "), among),
	}
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// share writes a share as people do.
func share(x float64) string { return strconv.FormatFloat(x*100, 'g', 3, 64) + " %" }
