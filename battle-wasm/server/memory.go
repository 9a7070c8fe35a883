package server

import "runtime"

// memory writes what the server knows of its garbage, and what Go's runtime says of its memory. That is read when it is asked for, which is between two ticks.
func (e *exposition) memory(g *garbage, stats *runtime.MemStats) {
	runtime.ReadMemStats(stats)
	e.counter("battle_gc_cycles_total", "Garbage collections, which the server begins itself, between two ticks.", g.collections)
	e.family("battle_gc_pause_seconds_total", "counter", "Time for which garbage collections stopped everything else.")
	e.text("battle_gc_pause_seconds_total ")
	e.decimal(g.paused, second)
	e.text("\n")
	e.counter("battle_heap_allocations_total", "Pieces of memory that the heap has given: while players play, and nothing else happens, none.", stats.Mallocs)
	e.gauge("battle_heap_bytes", "Bytes of the heap that are in use, or not collected yet.", int(stats.HeapAlloc))
}
