// Package budget measures how much of its time a server needs, so that it takes no more than it can do on time.
package budget

// Shares are counted in steps of 2 % of a tick's period, up to twice that.
const (
	step  = 20 // ‰
	steps = 100
)

// The share of its period, in ‰, that a tick may need before no more work is taken on, and that it must fall to until some is again. One tick in 20 may need more:
// on a machine that does other things too there are always some.
const (
	full     = 750
	open     = 650
	quantile = 20 // one in
)

// every is after how many ticks it is decided anew.
const every = 16

// Meter looks at the ticks of the last one to two windows.
type Meter struct {
	window        int
	seen          int
	now, before   [steps]uint32
	newest, older uint32
	overloaded    bool
	share         int
}

// NewMeter returns a meter whose windows have so many ticks.
func NewMeter(ticks int) *Meter { return &Meter{window: max(every, ticks)} }

// Observe takes how much of its period a tick needed, everything that was done since the one before included.
func (m *Meter) Observe(busy, period int64) {
	i := min(max(0, busy*1000/period/step), steps-1)
	m.now[i]++
	m.newest++
	m.seen++
	if m.seen%every == 0 {
		m.decide()
	}
	if m.seen == m.window {
		m.before, m.older = m.now, m.newest
		m.now, m.newest, m.seen = [steps]uint32{}, 0, 0
	}
}

func (m *Meter) decide() {
	above := (m.newest + m.older) / quantile
	i := steps - 1
	for n := uint32(0); i > 0; i-- {
		if n += m.now[i] + m.before[i]; n > above {
			break
		}
	}
	m.share = (i + 1) * step
	if m.share > full {
		m.overloaded = true
	} else if m.share <= open {
		m.overloaded = false
	}
}

// Share is how much of its period a tick needs, in ‰: 19 of 20 need no more.
func (m *Meter) Share() int { return m.share }

// Overloaded says whether that is so much that no more work should be taken on.
func (m *Meter) Overloaded() bool { return m.overloaded }
