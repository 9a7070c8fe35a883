package bench

import (
	"fmt"

	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// llvmSection compares the starts of Wasm with those of the same by a crun that links LLVM, as Debian's does by itself.
func (c *ColdStart) llvmSection() document.Section {
	s := document.Section{
		Title: "What LLVM costs a cold start",
		Conditions: fmt.Sprintf("%d starts of the module by the node's handler, which leaves LLVM out, and as many by Debian's crun, which links it; in turns, in the same run as above. "+
			"The last rows are of the module in a process by itself.", c.Starts),
		Header: []string{"", "with LLVM", "without", "without / with"},
	}
	row := func(name string, with, without float64, digits int) {
		s.Rows = append(s.Rows, []string{name, number(with, "ms", digits), number(without, "ms", digits), ratio(without, with)})
	}
	for _, r := range []struct {
		name string
		of   func(ContainerTime) float64
	}{
		{"ready, min", func(t ContainerTime) float64 { return t.Ready.Min }},
		{"ready, P50", func(t ContainerTime) float64 { return t.Ready.P50 }},
		{"ready, P99", func(t ContainerTime) float64 { return t.Ready.P99 }},
		{"of which the runtime's create, P50", func(t ContainerTime) float64 { return t.Create.P50 }},
	} {
		row(r.name, r.of(c.WithLLVM), r.of(c.Wasm), 1)
	}
	for i, stage := range c.StagesLLVM {
		if i < len(c.Stages) {
			row(stage.Name+", P50", stage.P50, c.Stages[i].P50, 2)
		}
	}
	return s
}
