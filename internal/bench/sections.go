package bench

import (
	"fmt"

	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// sections are those parts of the report that were measured.
func (r *Report) sections() []document.Section {
	var all []document.Section
	if claims := r.claims(); len(claims.Rows) > 0 {
		all = append(all, claims)
	}
	if r.Battle != nil {
		all = append(all, r.Battle.section())
	}
	if r.Saving != nil {
		all = append(all, r.Saving.section())
	}
	if r.ColdStart != nil {
		all = append(all, r.ColdStart.section(), r.ColdStart.stageSection(), r.ColdStart.llvmSection())
	}
	if r.Density != nil {
		all = append(all, r.Density.limits(), r.Density.section())
	}
	if r.Images != nil {
		all = append(all, r.Images.section())
	}
	if r.City != nil {
		all = append(all, r.City.section())
	}
	if r.Lobby != nil {
		all = append(all, r.Lobby.joinSection(), r.Lobby.ledgerSection())
	}
	if r.NoOp != nil {
		all = append(all, r.NoOp.section())
	}
	return all
}

func (b *Battle) section() document.Section {
	s := document.Section{
		Title: "The battle server in Wasm and natively",
		Conditions: fmt.Sprintf("%d pods of one kind at a time with %d bots each, which send %d inputs a second on an open schedule; %d rounds of %g s each, in turns. "+
			"The native pods have the same limits, confinement, ports and RuntimeClass (whose crun runs them as any other container), but a shim each, as containers have unless they are told to share one, as the Wasm pods do. So have those of wazero, native containers which run the same module "+
			"by wazero's compiler, with the native server's sockets and waits. Bots, pods and K3s share the machine's cores. "+
			"Processor time and memory are those of the server's process under load, the mean of all pods; PSS divides shared pages among those who share them. "+
			"Ticks are those of the pods' own histograms meanwhile: how late one began, and how long it took; a percentile is reckoned within its bucket.",
			b.Pods, b.BotsPerPod, b.TickRate, b.Rounds, b.DurationSec),
		Header: []string{"", "native", "Wasm", "Wasm / native", "wazero", "wazero / native"},
	}
	row := func(name, unit string, digits int, of func(Side) float64) {
		n, w, h := of(b.Native), of(b.Wasm), of(b.Hosted)
		s.Rows = append(s.Rows, []string{name, number(n, unit, digits), number(w, unit, digits), ratio(w, n), number(h, unit, digits), ratio(h, n)})
	}
	row("RTT P50", "ms", 2, func(s Side) float64 { return s.RTT.P50 })
	row("RTT P99", "ms", 2, func(s Side) float64 { return s.RTT.P99 })
	row("RTT P999", "ms", 2, func(s Side) float64 { return s.RTT.P999 })
	row("RTT max", "ms", 2, func(s Side) float64 { return s.RTT.Max })
	row("RTT less tick wait P50", "ms", 2, func(s Side) float64 { return s.RTTLessTickWait.P50 })
	row("RTT less tick wait P99", "ms", 2, func(s Side) float64 { return s.RTTLessTickWait.P99 })
	row("inputs sent late by P99, part of RTT", "ms", 2, func(s Side) float64 { return s.LateP99 })
	row("tick lateness P99", "ms", 3, func(s Side) float64 { return s.Lateness.P99 })
	row("tick lateness P99.9", "ms", 3, func(s Side) float64 { return s.Lateness.P999 })
	row("tick compute P50", "ms", 3, func(s Side) float64 { return s.Compute.P50 })
	row("tick compute P99", "ms", 3, func(s Side) float64 { return s.Compute.P99 })
	row("ticks/s, slowest pod", "", 2, func(s Side) float64 { return s.TickRate })
	lost := func(s Side) string { return fmt.Sprintf("%d of %d", s.InputsLost, s.Inputs) }
	s.Rows = append(s.Rows, []string{"inputs lost", lost(b.Native), lost(b.Wasm), "", lost(b.Hosted), ""})
	row("cores per pod", "", 4, func(s Side) float64 { return s.CoresPerPod })
	row("cores of all bots", "", 2, func(s Side) float64 { return s.BotCores })
	row("memory of a server, PSS", "MB", 1, func(s Side) float64 { return mb(s.PSSPerPod) })
	row("memory of a server, RSS", "MB", 1, func(s Side) float64 { return mb(s.RSSPerPod) })
	row("memory of a whole pod, PSS", "MB", 1, func(s Side) float64 { return mb(s.Weight.total()) })
	row("of which program and libraries", "MB", 1, func(s Side) float64 { return mb(s.Weight.Libraries) })
	row("of which the server's own", "MB", 1, func(s Side) float64 { return mb(s.Weight.Own) })
	row("of which shim and pause", "MB", 1, func(s Side) float64 { return mb(s.Weight.Shim + s.Weight.Pause) })
	s.Charts = b.charts()
	return s
}

func (i *Images) section() document.Section {
	s := document.Section{
		Title:      "Image",
		Conditions: fmt.Sprintf("Images as a registry counts them: compressed layers, configuration and manifest. The objective is less than %.0f MB.", mb(i.Objective)),
		Header:     []string{"", "native", "Wasm", "Wasm / native", "wazero", "wazero / native"},
	}
	compare(&s, "image", "MB", mb(i.Native), mb(i.Wasm))
	s.Rows[0] = append(s.Rows[0], number(mb(i.Hosted), "MB", 2), ratio(float64(i.Hosted), float64(i.Native)))
	compare(&s, "program in the image", "MB", mb(i.Binary), mb(i.Compiled))
	s.Rows = append(s.Rows,
		[]string{"module before its compilation ahead of time", "", fmt.Sprintf("%.2f MB", mb(i.Module)), ""},
		[]string{"image below the objective", verdict(i.Native < i.Objective), verdict(i.Wasm < i.Objective), ""},
		[]string{fmt.Sprintf("image at most %.0f MB", mb(packedObjective)), verdict(i.Native <= packedObjective), verdict(i.Wasm <= packedObjective), ""},
		[]string{fmt.Sprintf("module below %.0f MB", mb(i.Objective)), "", verdict(i.Module < i.Objective), ""})
	return s
}

func (c *City) section() document.Section {
	with := fmt.Sprintf("%d battle pods", c.Pods)
	s := document.Section{
		Title:      "Memory of the idle city",
		Conditions: "PSS of all the node's processes, nobody playing. The page cache is not in it.",
		Header:     []string{"", "no battle pods", with},
	}
	row := func(name string, without, with int64) {
		s.Rows = append(s.Rows, []string{name, fmt.Sprintf("%.1f MB", mb(without)), fmt.Sprintf("%.1f MB", mb(with))})
	}
	for _, g := range groups() {
		row(g, c.Without[g], c.With[g])
	}
	row("all", c.Without.total(), c.With.total())
	row("lobby, NATS and Gatekeeper together", c.Without.services(), c.With.services())
	s.Rows = append(s.Rows,
		[]string{fmt.Sprintf("lobby, NATS and Gatekeeper at most %.0f MB", mb(servicesObjective)), verdict(c.Without.services() <= servicesObjective), verdict(c.With.services() <= servicesObjective)},
		[]string{fmt.Sprintf("without these and monitoring at most %.0f MB", mb(c.Objective)), verdict(c.Without.bare() <= c.Objective), verdict(c.With.bare() <= c.Objective)},
		[]string{"disk used below /var/lib/rancher", "", fmt.Sprintf("%.1f MB", mb(c.Storage))})
	return s
}

func (l *Lobby) joinSection() document.Section {
	s := document.Section{
		Title: "Joins",
		Conditions: fmt.Sprintf("%d players a second ask the city's lobby for a seat over HTTP, on an open schedule, each with a signed token of its own; %d rounds of %g s each, "+
			"in turns with the join policy and with one that lets everybody in. Times are from when a request was due to its answer. "+
			"A decision is the policy's alone, in a battle of nine others, measured by itself %d times.", l.JoinRate, l.Rounds, l.DurationSec, l.Decision.Count),
		Header: []string{"", "without the policy", "with it", "with / without"},
	}
	with, without := l.WithPolicy, l.WithoutPolicy
	compare(&s, "join P50", "ms", without.P50, with.P50)
	compare(&s, "join P99", "ms", without.P99, with.P99)
	compare(&s, "join max", "ms", without.Max, with.Max)
	s.Rows = append(s.Rows,
		[]string{"seats given", fmt.Sprint(without.Count), fmt.Sprint(with.Count), ""},
		[]string{"requests that were given none", fmt.Sprint(without.Refused), fmt.Sprint(with.Refused), ""},
		[]string{"decision P50", "", number(l.Decision.P50, "ms", 4), ""},
		[]string{"decision P99", "", number(l.Decision.P99, "ms", 4), ""})
	return s
}

func (l *Lobby) ledgerSection() document.Section {
	s := document.Section{
		Title: "Results into the ledger",
		Conditions: "Results of battles of ten players that one writer brings to the disk, WAL and synchronous=FULL both, one connection each, in the same folder. Plain inserts are one row with the " +
			"result as JSON, one commit each. The ledger also keeps each player's score in a row of its own and its place in the stream, in the same commit. The lobby takes as many as have come, at most 256.",
		Header: []string{"", "results/s", "ledger / plain"},
		Rows:   [][]string{{"plain inserts, one commit each", fmt.Sprintf("%.0f", l.PlainPerSecond), ""}},
	}
	for _, rate := range l.Ledger {
		s.Rows = append(s.Rows, []string{fmt.Sprintf("ledger, %d at a time", rate.Batch), fmt.Sprintf("%.0f", rate.PerSecond), ratio(rate.PerSecond, l.PlainPerSecond)})
	}
	return s
}

func (n *NoOp) section() document.Section {
	s := document.Section{
		Title:      "pulumi up without changes",
		Conditions: fmt.Sprintf("The wall time of `pulumi up --stack local --expect-no-changes`. The objective is at most %g s.", n.Objective),
		Header:     []string{"run", "time", "objective"},
	}
	for i, seconds := range n.Seconds {
		s.Rows = append(s.Rows, []string{fmt.Sprint(i + 1), fmt.Sprintf("%.2f s", seconds), verdict(seconds <= n.Objective)})
	}
	return s
}

// compare adds a row for a number of both sides, and their ratio where there is one.
func compare(s *document.Section, name, unit string, native, wasm float64) {
	s.Rows = append(s.Rows, []string{name, number(native, unit, 2), number(wasm, unit, 2), ratio(wasm, native)})
}

func number(v float64, unit string, digits int) string {
	text := fmt.Sprintf("%.*f", digits, v)
	if unit != "" {
		text += " " + unit
	}
	return text
}

func ratio(a, b float64) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a/b)
}

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

func verdict(pass bool) string {
	if pass {
		return "pass"
	}
	return "miss"
}
