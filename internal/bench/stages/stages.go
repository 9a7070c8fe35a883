// Package stages takes the start of a Wasm server apart. It does what crun's WasmEdge handler does, in a process of its own and by the same
// library, and looks at the clock between two steps.
package stages

import (
	"time"

	"golang.org/x/sys/unix"
)

// Job is a module to run.
type Job struct {
	// Program is the module's file, Root the folder that it sees as /.
	Program string `json:"program"`
	Root    string `json:"root"`
	// Env is its environment.
	Env []string `json:"env"`
}

// Marks are readings of [Now]: when the process came to its own code, when it began to link, having found out what, and when each step was done.
type Marks struct {
	Main        time.Duration `json:"main"`
	Begin       time.Duration `json:"begin"`
	LLVM        time.Duration `json:"llvm"`
	Library     time.Duration `json:"library"`
	Machine     time.Duration `json:"machine"`
	Load        time.Duration `json:"load"`
	Validate    time.Duration `json:"validate"`
	Instantiate time.Duration `json:"instantiate"`
}

// Now is a clock that all processes of a host read alike, and that nothing sets.
func Now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // there is no Linux without this clock
	}
	return time.Duration(t.Nano())
}
