package main

import "unsafe"

// clockName says what cpuTime counts. WasmEdge has the clock; a runtime that has not answers with an error, and the monotonic clock is taken.
var clockName = func() string {
	var t uint64
	if clockTimeGet(threadCPU, 1, unsafe.Pointer(&t)) == 0 && t > 0 {
		return "processor time of the thread"
	}
	clock = monotonic
	return "wall time"
}()

const (
	monotonic = 1
	threadCPU = 3
)

var clock uint32 = threadCPU

func cpuTime() int64 {
	var t uint64
	clockTimeGet(clock, 1, unsafe.Pointer(&t))
	return int64(t)
}

//go:wasmimport wasi_snapshot_preview1 clock_time_get
//go:noescape
func clockTimeGet(id uint32, precision uint64, time unsafe.Pointer) uint32
