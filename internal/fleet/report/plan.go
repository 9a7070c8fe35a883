package report

import (
	"cmp"
	"slices"
)

// planRow is what was planned for a city, a region or the fleet, and what it costs a month.
type planRow struct {
	Nodes, Pods, Free int
	Cost, Baseline    float64
	Currency          string
}

// plus adds up what is of the same currency.
func (r planRow) plus(o planRow) planRow {
	r.Nodes, r.Pods, r.Free = r.Nodes+o.Nodes, r.Pods+o.Pods, r.Free+o.Free
	r.Cost, r.Baseline = r.Cost+o.Cost, r.Baseline+o.Baseline
	return r
}

// CostText and BaselineText are amounts without their currency; Saving is in percent of the baseline.
func (r planRow) CostText() string     { return money(r.Cost) }
func (r planRow) BaselineText() string { return money(r.Baseline) }
func (r planRow) Saving() string       { return saved(r.Cost, r.Baseline) }

// totals adds the regions up, by currency.
func totals(regions []region) []planRow {
	var rows []planRow
	for i := range regions {
		plan := regions[i].Plan
		at := slices.IndexFunc(rows, func(r planRow) bool { return r.Currency == plan.Currency })
		if at < 0 {
			at = len(rows)
			rows = append(rows, planRow{Currency: plan.Currency})
		}
		rows[at] = rows[at].plus(plan)
	}
	slices.SortFunc(rows, func(a, b planRow) int { return cmp.Compare(a.Currency, b.Currency) })
	return rows
}
