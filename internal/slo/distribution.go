package slo

import "github.com/HdrHistogram/hdrhistogram-go"

const (
	// mostBuckets is how many a distribution has at the most.
	mostBuckets = 40
	// shortest and longest are the bounds of the first and the last bucket of the grid, in µs. Longer times are lost inputs: all of them
	// are in one bucket beyond.
	shortest, longest = 200, 1_000_000
)

// renard are the bounds of the buckets in each decade: about equally far apart on a logarithmic scale, and round, so that the limits which
// people choose are among them. Every second one is a grid too.
var renard = [...]int64{100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900}

// distributionOf sums a histogram of µs up in at most [mostBuckets] buckets. All distributions have their bounds from the same grid.
func distributionOf(h *hdrhistogram.Histogram) []Bucket {
	if buckets := bucketsOf(h, 1); len(buckets) <= mostBuckets {
		return buckets
	}
	return bucketsOf(h, 2)
}

// bucketsOf sums a histogram up by every step-th bound of the grid.
func bucketsOf(h *hdrhistogram.Histogram, step int) []Bucket {
	var buckets []Bucket
	bounds := grid(step)
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		for len(bounds) > 0 && bar.To > bounds[0] {
			bounds = bounds[1:]
		}
		bound := h.Max()
		if len(bounds) > 0 {
			bound = bounds[0]
		}
		if upTo := float64(bound) / 1000; len(buckets) == 0 || buckets[len(buckets)-1].UpToMs != upTo {
			buckets = append(buckets, Bucket{UpToMs: upTo})
		}
		buckets[len(buckets)-1].Count += bar.Count
	}
	return buckets
}

// grid is every step-th bound from shortest to longest, in µs.
func grid(step int) []int64 {
	var bounds []int64
	for scale := int64(1); scale*renard[0] <= longest; scale *= 10 {
		for i := 0; i < len(renard); i += step {
			if bound := scale * renard[i]; bound >= shortest && bound <= longest {
				bounds = append(bounds, bound)
			}
		}
	}
	return bounds
}
