package slo

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// label is what a table calls an objective.
var label = map[string]string{
	"rtt_p50": "RTT P50", "rtt_p99": "RTT P99", "rtt_p999": "RTT P999", "tick_rate": "ticks/s, slowest pod", coldStart: "cold start P99, slowest node",
}

// Table writes the report for people: each pod, the objectives, and what there is to say about the measurement.
func (r Report) Table(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%d pods, %d bots each, %d inputs a second for %gs after %gs of warm-up; bots on %d cores (%.2f used), %s\n",
		r.Conditions.Pods, r.Conditions.BotsPerPod, r.Conditions.TickRate, r.Conditions.DurationSec, r.Conditions.WarmupSec,
		r.Machine.Cores, r.BotCores, r.Machine.Kernel)

	pods := newTable(w)
	pods.AppendHeader(table.Row{"pod", "node", "address", "RTT P50", "P99", "P999", "max", "less tick wait P50", "ticks/s", "inputs", "overtaken", "lost", "snapshots", "lost"})
	for _, p := range r.Pods {
		pods.AppendRow(append(table.Row{p.Pod, p.Node, p.Address}, p.row()...))
	}
	pods.AppendFooter(append(table.Row{"all", "", ""}, r.Total.row()...))
	alignRight(pods, 4, 14)
	pods.Render()

	objectives := newTable(w)
	objectives.AppendHeader(table.Row{"objective", "measured", "required", "result"})
	for _, v := range r.Verdicts {
		objectives.AppendRow(v.row())
	}
	alignRight(objectives, 2, 3)
	objectives.Render()
	_, _ = fmt.Fprintf(w, "times in ms; inputs were sent late by P50 %s, P99 %s, max %s, which is part of the RTT; of the machine's processor time its host took %.1f%%\n",
		millis(r.SendLateness.P50), millis(r.SendLateness.P99), millis(r.SendLateness.Max), r.Stolen*100)
	for _, s := range r.ColdStarts {
		_, _ = fmt.Fprintln(w, s.line())
	}
	for _, warning := range r.Warnings {
		_, _ = fmt.Fprintln(w, "warning:", warning)
	}
}

func (m Measured) row() table.Row {
	return table.Row{
		millis(m.RTT.P50), millis(m.RTT.P99), millis(m.RTT.P999), millis(m.RTT.Max), millis(m.RTTLessTickWait.P50), fmt.Sprintf("%.2f", m.TickRate),
		m.InputsScheduled, m.InputsOvertaken, m.InputsLost, m.SnapshotsReceived, m.SnapshotsLost,
	}
}

func (v Verdict) row() table.Row {
	measured, result := "nothing", "miss"
	if v.Value != nil {
		measured = fmt.Sprintf("%.3f %s", *v.Value, v.Unit)
	}
	if v.Pass {
		result = "pass"
	}
	return table.Row{label[v.Name], measured, fmt.Sprintf("%s %g %s", v.Comparison, v.Threshold, v.Unit), result}
}

func millis(v float64) string { return fmt.Sprintf("%.2f", v) }

func newTable(w io.Writer) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header, t.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	return t
}

// alignRight aligns the columns first to last, counted from 1.
func alignRight(t table.Writer, first, last int) {
	var columns []table.ColumnConfig
	for n := first; n <= last; n++ {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignFooter: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
}
