package bench

import (
	"fmt"

	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// sections are those parts of the report that were measured.
func (r *Report) sections() []document.Section {
	var all []document.Section
	if r.Battle != nil {
		all = append(all, r.Battle.section())
	}
	if r.ColdStart != nil {
		all = append(all, r.ColdStart.section())
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
			"The native pods have the same limits, confinement and ports. Bots, pods and K3s share the machine's cores. "+
			"Processor time and memory are those of the server's process under load, the mean of all pods; PSS divides shared pages among those who share them.",
			b.Pods, b.BotsPerPod, b.TickRate, b.Rounds, b.DurationSec),
		Header: []string{"", "native", "Wasm", "Wasm / native"},
	}
	w, n := b.Wasm, b.Native
	compare(&s, "RTT P50", "ms", 2, n.RTT.P50, w.RTT.P50)
	compare(&s, "RTT P99", "ms", 2, n.RTT.P99, w.RTT.P99)
	compare(&s, "RTT P999", "ms", 2, n.RTT.P999, w.RTT.P999)
	compare(&s, "RTT max", "ms", 2, n.RTT.Max, w.RTT.Max)
	compare(&s, "RTT less tick wait P50", "ms", 2, n.RTTLessTickWait.P50, w.RTTLessTickWait.P50)
	compare(&s, "RTT less tick wait P99", "ms", 2, n.RTTLessTickWait.P99, w.RTTLessTickWait.P99)
	compare(&s, "inputs sent late by P99, part of RTT", "ms", 2, n.LateP99, w.LateP99)
	compare(&s, "ticks/s, slowest pod", "", 2, n.TickRate, w.TickRate)
	s.Rows = append(s.Rows, []string{"inputs lost", fmt.Sprintf("%d of %d", n.InputsLost, n.Inputs), fmt.Sprintf("%d of %d", w.InputsLost, w.Inputs), ""})
	compare(&s, "cores per pod", "", 4, n.CoresPerPod, w.CoresPerPod)
	compare(&s, "cores of all bots", "", 2, n.BotCores, w.BotCores)
	compare(&s, "memory per pod, PSS", "MB", 1, mb(n.PSSPerPod), mb(w.PSSPerPod))
	compare(&s, "memory per pod, RSS", "MB", 1, mb(n.RSSPerPod), mb(w.RSSPerPod))
	return s
}

func (c *ColdStart) section() document.Section {
	s := document.Section{
		Title: "Cold start",
		Conditions: fmt.Sprintf("From the start of the OCI runtime on the node to the first successful GET /readyz, asked every 0.5 ms: crun with WasmEdge and the module compiled "+
			"ahead of time, beside the native server by runc and by crun. %d starts of each, in turns, with no battle pods on the node; files are in memory from one start before. "+
			"The configuration is the one that containerd wrote for a battle pod; Kubernetes and containerd take no part.", c.Starts),
		Header: []string{"", "native (runc)", "native (crun)", "Wasm (crun)", "Wasm / native (runc)", "Wasm / native (crun)"},
	}
	for _, row := range []struct {
		name               string
		native, crun, wasm float64
	}{
		{"ready, min", c.Native.Ready.Min, c.NativeCrun.Ready.Min, c.Wasm.Ready.Min},
		{"ready, P50", c.Native.Ready.P50, c.NativeCrun.Ready.P50, c.Wasm.Ready.P50},
		{"ready, P99", c.Native.Ready.P99, c.NativeCrun.Ready.P99, c.Wasm.Ready.P99},
		{"ready, max", c.Native.Ready.Max, c.NativeCrun.Ready.Max, c.Wasm.Ready.Max},
		{"of which the runtime's create, P50", c.Native.Create.P50, c.NativeCrun.Create.P50, c.Wasm.Create.P50},
	} {
		s.Rows = append(s.Rows, []string{row.name, number(row.native, "ms", 1), number(row.crun, "ms", 1), number(row.wasm, "ms", 1),
			ratio(row.wasm, row.native), ratio(row.wasm, row.crun)})
	}
	return s
}

func (i *Images) section() document.Section {
	s := document.Section{
		Title:      "Image",
		Conditions: fmt.Sprintf("Images as a registry counts them: compressed layers, configuration and manifest. The objective is less than %.0f MB.", mb(i.Objective)),
		Header:     []string{"", "native", "Wasm", "Wasm / native"},
	}
	compare(&s, "image", "MB", 2, mb(i.Native), mb(i.Wasm))
	compare(&s, "program in the image", "MB", 2, mb(i.Binary), mb(i.Compiled))
	s.Rows = append(s.Rows,
		[]string{"module before its compilation ahead of time", "", fmt.Sprintf("%.2f MB", mb(i.Module)), ""},
		[]string{"image below the objective", verdict(i.Native < i.Objective), verdict(i.Wasm < i.Objective), ""})
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
		[]string{fmt.Sprintf("all but these at most %.0f MB", mb(c.Objective)), verdict(c.Without.total()-c.Without.services() <= c.Objective), verdict(c.With.total()-c.With.services() <= c.Objective)},
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
	compare(&s, "join P50", "ms", 2, without.P50, with.P50)
	compare(&s, "join P99", "ms", 2, without.P99, with.P99)
	compare(&s, "join max", "ms", 2, without.Max, with.Max)
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
func compare(s *document.Section, name, unit string, digits int, native, wasm float64) {
	s.Rows = append(s.Rows, []string{name, number(native, unit, digits), number(wasm, unit, digits), ratio(wasm, native)})
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
