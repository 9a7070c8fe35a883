package fleet

import (
	"github.com/edge-arena/edge-arena/internal/stack"
)

// Options say which regions an operation is for, and how it goes about them.
type Options struct {
	// Stacks are the regions' stacks. Required.
	Stacks []stack.Stack
	// Parallel is how many regions are worked on at once at the most. Default is as many as memory allows; it is never more than that.
	Parallel int
	// Dir is where logs and outcomes are kept, a folder a region. Required.
	Dir string
	// RemoveCities are the cities, as `region/city`, that may be removed though they are protected. Default is none.
	RemoveCities []string
	// Observe is told what is known whenever that has changed. It is called by one goroutine at a time. Default is nobody.
	Observe func(Snapshot)
}
