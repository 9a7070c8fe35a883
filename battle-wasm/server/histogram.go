package server

// scale is how a histogram divides what it counts: the upper bounds of its buckets, and how the exposition writes them.
type scale struct {
	bounds []int64
	names  []string
	// unit is how much of the counted is 1 in the exposition: times are counted in ns and written in seconds.
	unit int64
}

// The scales. Nothing writes to them.
var (
	// tickScale is for times around a tick, in ns: from what one costs to what a player feels.
	tickScale = scale{
		bounds: []int64{50e3, 100e3, 250e3, 500e3, 1e6, 2e6, 4e6, 8e6, 16e6, 32e6, 64e6},
		names:  []string{"0.00005", "0.0001", "0.00025", "0.0005", "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064"},
		unit:   second,
	}
	// rttScale is for what a player waits, in ns. It has the objectives' own bounds, so that a share below one of them is exact: 10, 20 and 50 ms.
	rttScale = scale{
		bounds: []int64{1e6, 2e6, 4e6, 6e6, 8e6, 10e6, 12e6, 15e6, 20e6, 30e6, 50e6, 100e6, 250e6, 1e9},
		names:  []string{"0.001", "0.002", "0.004", "0.006", "0.008", "0.01", "0.012", "0.015", "0.02", "0.03", "0.05", "0.1", "0.25", "1"},
		unit:   second,
	}
	// byteScale is for the sizes of snapshots.
	byteScale = scale{
		bounds: []int64{50, 75, 100, 150, 200, 300, 400, 600, 800, 1200},
		names:  []string{"50", "75", "100", "150", "200", "300", "400", "600", "800", "1200"},
		unit:   1,
	}
)

// maxBounds is the most bounds that a scale has.
const maxBounds = 14

// histogram counts what falls between the bounds of its scale.
type histogram struct {
	scale   *scale
	buckets [maxBounds + 1]uint64 // not cumulative; the one after the scale's last is for what is above all bounds
	sum     int64
}

func (h *histogram) observe(value int64) {
	h.sum += value
	for i, bound := range h.scale.bounds {
		if value <= bound {
			h.buckets[i]++
			return
		}
	}
	h.buckets[len(h.scale.bounds)]++
}
