package placement

import (
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// How much is kept of battles that are over: until their results are in the ledger, and for a while where there is none.
const (
	historyLimit = 4096
	historyTime  = 15 * time.Minute
)

// record is a battle that is over.
type record struct {
	Info
	pod *pod
	at  time.Time
}

// history is what is known of battles that are over.
type history struct {
	records map[ticket.ID]record
	order   []past // the oldest first
}

type past struct {
	id ticket.ID
	at time.Time
}

func (h *history) add(r record, now time.Time) {
	r.at = now
	h.records[r.Battle] = r
	h.order = append(h.order, past{id: r.Battle, at: now})
	if len(h.order) > historyLimit {
		h.drop()
	}
}

// remove forgets a battle that is being fought after all. Its place in the order stays, and finds nothing.
func (h *history) remove(id ticket.ID) { delete(h.records, id) }

func (h *history) sweep(now time.Time) {
	for len(h.order) > 0 && now.Sub(h.order[0].at) >= historyTime {
		h.drop()
	}
}

func (h *history) drop() {
	if first := h.order[0]; h.records[first.id].at.Equal(first.at) {
		delete(h.records, first.id)
	}
	h.order[0] = past{}
	h.order = h.order[1:]
}
