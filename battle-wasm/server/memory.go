package server

import "runtime"

// memory writes what the Go runtime says of its memory. It is read when it is asked for, which is between two ticks.
func (e *exposition) memory(stats *runtime.MemStats) {
	runtime.ReadMemStats(stats)
	e.counter("battle_gc_cycles_total", "Garbage collections that were completed.", uint64(stats.NumGC))
	e.family("battle_gc_pause_seconds_total", "counter", "Time for which garbage collections stopped everything else.")
	e.text("battle_gc_pause_seconds_total ")
	e.decimal(int64(stats.PauseTotalNs), second)
	e.text("\n")
	e.gauge("battle_heap_bytes", "Bytes of the heap that are in use, or not collected yet.", int(stats.HeapAlloc))
}
