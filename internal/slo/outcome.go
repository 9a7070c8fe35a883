package slo

import (
	"encoding/json"
	"fmt"
	"time"
)

// Outcome is what a gate found when it played against a city: short enough to be kept as a resource's output in Pulumi's state.
type Outcome struct {
	// Subject is the hash of all that was gated: image, settings, nodes, objectives.
	Subject string `json:"subject"`
	// Image is the battle image that was played against, by digest.
	Image string `json:"image"`
	// Started is when measuring began, in UTC.
	Started time.Time `json:"started"`
	// Pass tells whether every objective was met.
	Pass bool `json:"pass"`
	// Attempts is how often was played until the result stood; more than one where the bots themselves were late.
	Attempts int `json:"attempts"`
	// Verdicts are the objectives.
	Verdicts []Verdict `json:"verdicts"`
	// Conditions is how was played.
	Conditions Conditions `json:"conditions"`
	// RTT are percentiles of all pods together, in ms.
	RTT Times `json:"rtt"`
	// TickRate is the slowest pod's, in ticks a second.
	TickRate float64 `json:"tickRate"`
	// InputsScheduled and InputsLost count the bots' inputs.
	InputsScheduled int64 `json:"inputsScheduled"`
	InputsLost      int64 `json:"inputsLost"`
	// Distribution is the RTT of all pods as a histogram, ascending, without empty buckets.
	Distribution []Bucket `json:"distribution"`
	// ColdStarts are those that were measured on the nodes, by node; nothing where none were, as by a gate.
	ColdStarts []NodeStarts `json:"coldStarts,omitempty"`
	// Warnings are doubts about the measurement itself.
	Warnings []string `json:"warnings,omitempty"`
	// RolledBackTo is the image that the city was put back to after a miss; empty where it was not.
	RolledBackTo string `json:"rolledBackTo,omitempty"`
}

// Bucket counts the round trips longer than the bucket before and at most UpToMs.
type Bucket struct {
	UpToMs float64 `json:"upToMs"`
	Count  int64   `json:"count"`
}

// NewOutcome is the short form of a report.
func NewOutcome(subject, image string, attempts int, r Report) Outcome {
	o := Outcome{
		Subject: subject, Image: image, Started: r.Started, Pass: r.Pass, Attempts: attempts, Verdicts: r.Verdicts, Conditions: r.Conditions,
		RTT: r.Total.RTT, InputsScheduled: r.Total.InputsScheduled, InputsLost: r.Total.InputsLost, Distribution: r.Distribution, ColdStarts: r.ColdStarts,
		Warnings: r.Warnings,
	}
	for i, p := range r.Pods {
		if i == 0 || p.TickRate < o.TickRate {
			o.TickRate = p.TickRate
		}
	}
	return o
}

// ReadOutcome decodes an outcome. An empty text is none, and nil.
func ReadOutcome(content []byte) (*Outcome, error) {
	if len(content) == 0 {
		return nil, nil
	}
	var o Outcome
	if err := json.Unmarshal(content, &o); err != nil {
		return nil, fmt.Errorf("read a gate's outcome: %w", err)
	}
	return &o, nil
}
