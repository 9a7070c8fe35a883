package slo

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/edge-arena/edge-arena/internal/bots"
)

// Report is what was measured, under which conditions, and how it compares with the objectives. Times are in ms.
type Report struct {
	// Started is when measuring began.
	Started time.Time `json:"started"`
	// Machine is where the bots ran; Conditions is how they played.
	Machine    Machine    `json:"machine"`
	Conditions Conditions `json:"conditions"`
	// Verdicts are the objectives, Pass whether all are met.
	Verdicts []Verdict `json:"verdicts"`
	Pass     bool      `json:"pass"`
	// Warnings are doubts about the measurement itself.
	Warnings []string `json:"warnings,omitempty"`
	// Total sums up all pods, Pods has each.
	Total Measured `json:"total"`
	Pods  []Pod    `json:"pods"`
	// Distribution is the RTT of all pods as a histogram of at most 40 buckets, ascending, without empty ones.
	Distribution []Bucket `json:"distribution"`
	// ColdStarts are those that were measured on the nodes, by node; nothing where none were. See [Report.WithColdStarts].
	ColdStarts []NodeStarts `json:"coldStarts,omitempty"`
	// SendLateness is how late inputs were sent; it is part of RTT.
	SendLateness Times `json:"sendLateness"`
	// BotCores is how many cores the bots used.
	BotCores float64 `json:"botCores"`
	// Stolen is which part of its processors' time the bots' machine was refused by its host, 0 to 1.
	Stolen float64 `json:"stolen"`
}

// Conditions is how the bots played.
type Conditions struct {
	Pods        int     `json:"pods"`
	BotsPerPod  int     `json:"botsPerPod"`
	TickRate    int     `json:"tickRate"`
	WarmupSec   float64 `json:"warmupSeconds"`
	DurationSec float64 `json:"durationSeconds"`
	TimeoutSec  float64 `json:"timeoutSeconds"`
}

// Pod is what was measured of one pod.
type Pod struct {
	Target
	Measured
}

// Measured is what bots measured; see [bots.Stats] for the exact meaning of each.
type Measured struct {
	TickRate          float64 `json:"tickRate"`
	RTT               Times   `json:"rtt"`
	RTTFromSend       Times   `json:"rttFromSend"`
	RTTLessTickWait   Times   `json:"rttLessTickWait"`
	InputsScheduled   int64   `json:"inputsScheduled"`
	InputsSent        int64   `json:"inputsSent"`
	SendsFailed       int64   `json:"sendsFailed"`
	InputsAcked       int64   `json:"inputsAcked"`
	InputsOvertaken   int64   `json:"inputsOvertaken"`
	InputsLost        int64   `json:"inputsLost"`
	InputsBetween     int64   `json:"inputsBetweenBattles"`
	SnapshotsReceived int64   `json:"snapshotsReceived"`
	SnapshotsLost     int64   `json:"snapshotsLost"`
	BadAcks           int64   `json:"badAcks"`
	BattlesEnded      int64   `json:"battlesEnded"`
	SessionsLost      int64   `json:"sessionsLost"`
}

// Times are percentiles in ms. All are 0 where nothing was measured.
type Times struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

func timesOf(h *hdrhistogram.Histogram) Times {
	at := func(percentile float64) float64 { return float64(h.ValueAtQuantile(percentile)) / 1000 }
	return Times{Count: h.TotalCount(), P50: at(50), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1000}
}

func measuredOf(s *bots.Stats) Measured {
	return Measured{
		TickRate: s.TickRate(), RTT: timesOf(s.RTT), RTTFromSend: timesOf(s.FromSend), RTTLessTickWait: timesOf(s.Network),
		InputsScheduled: s.InputsScheduled, InputsSent: s.InputsSent, SendsFailed: s.SendsFailed, InputsAcked: s.InputsAcked,
		InputsOvertaken: s.InputsOvertaken, InputsLost: s.InputsLost, InputsBetween: s.InputsBetween,
		SnapshotsReceived: s.SnapshotsReceived, SnapshotsLost: s.SnapshotsLost, BadAcks: s.BadAcks,
		BattlesEnded: s.BattlesEnded, SessionsLost: s.SessionsLost,
	}
}

// newReport puts the report of a result together; targets are those of the result, in its order.
func newReport(o Objectives, r bots.Result, targets []Target, m Machine) Report {
	report := Report{
		Started: r.Started.UTC(), Machine: m,
		Conditions: Conditions{
			Pods: len(r.Targets), BotsPerPod: r.PerTarget, TickRate: r.TickRate,
			WarmupSec: r.Warmup.Seconds(), DurationSec: r.Duration.Seconds(), TimeoutSec: r.Timeout.Seconds(),
		},
		Verdicts: Evaluate(o, r), Pass: true, Warnings: warnings(r),
		Total: measuredOf(&r.Total), SendLateness: timesOf(r.Lateness), BotCores: r.Cores, Stolen: r.Stolen, Distribution: distributionOf(r.Total.RTT),
	}
	for _, v := range report.Verdicts {
		report.Pass = report.Pass && v.Pass
	}
	for i, t := range targets {
		report.Pods = append(report.Pods, Pod{Target: t, Measured: measuredOf(&r.Targets[i].Stats)})
	}
	return report
}

// tolerated is how late the worst of the inputs may be sent before the report doubts itself: a tenth of what the answers of the same rank may take.
var tolerated = []struct {
	percentile float64
	share      string
	late       time.Duration
}{{99, "1%", 2 * time.Millisecond}, {99.9, "0.1%", 5 * time.Millisecond}}

// stolenTolerated is how much of its time the bots' machine may be refused before the report doubts itself: of the round trips one in a hundred may take long.
const stolenTolerated = 0.01

// warnings names what makes the result look worse, or other, than the city is.
func warnings(r bots.Result) []string {
	var w []string
	for _, t := range tolerated {
		if late := r.Lateness.ValueAtQuantile(t.percentile); late > t.late.Microseconds() {
			w = append(w, fmt.Sprintf("the bots themselves were late: %s of the inputs were sent %.1f ms or more after their time, which is part of their RTT: "+
				"give the bots' machine more processor or fewer bots", t.share, float64(late)/1000))
			break
		}
	}
	if r.Stolen > stolenTolerated {
		w = append(w, fmt.Sprintf("the host of the bots' machine has taken %.1f%% of its processor time away, and what stood still meanwhile, bots or nodes, came late: "+
			"measure again when the host has less to do, or elsewhere", r.Stolen*100))
	}
	if n := r.Total.SendsFailed; n > 0 {
		w = append(w, fmt.Sprintf("%d inputs could not be sent from the bots' machine", n))
	}
	if n := r.Total.BadAcks; n > 0 {
		w = append(w, fmt.Sprintf("%d snapshots acknowledged inputs that were never sent", n))
	}
	return w
}

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
