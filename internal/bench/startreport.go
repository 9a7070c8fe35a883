package bench

import (
	"fmt"

	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// Objectives of a cold start: that of the Wasm server from the start of the OCI runtime, in ms, and as a part of that of the native container by containerd.
const (
	startObjective      = 10.0
	startRatioObjective = 0.1
)

// ColdStart compares the starts of servers.
type ColdStart struct {
	Starts int `json:"starts"`
	// Wasm is started by crun, Native by runc, as in pods; NativeCrun by crun. Interpreted is the module without its native code.
	Wasm        ContainerTime `json:"wasm"`
	Interpreted ContainerTime `json:"interpreted"`
	Native      ContainerTime `json:"native"`
	NativeCrun  ContainerTime `json:"nativeCrun"`
	// Hosted is the module under wazero, started by runc.
	Hosted ContainerTime `json:"hosted"`
	// WasmContainerd and NativeContainerd are started by containerd and its shim, with crun and runc.
	WasmContainerd   ContainerTime `json:"wasmContainerd"`
	NativeContainerd ContainerTime `json:"nativeContainerd"`
	// WithLLVM is Wasm by a crun that links LLVM.
	WithLLVM ContainerTime `json:"withLLVM"`
	// Warm is how long a player waits for a place on a pod that is there.
	Warm Times `json:"warm"`
	// Stages are what the start of the module consists of, StagesInterpreted what that of the module without native code does.
	Stages            []Stage `json:"stages"`
	StagesInterpreted []Stage `json:"stagesInterpreted"`
	// StagesLLVM are those of a start that links LLVM.
	StagesLLVM []Stage `json:"stagesLLVM"`
}

// ContainerTime is how long a container took until its runtime had made it, until its server took a connection, and until it was ready.
type ContainerTime struct {
	Create    Times `json:"create"`
	Listening Times `json:"listening"`
	Ready     Times `json:"ready"`
}

// Stage is a part of a start.
type Stage struct {
	Name string `json:"name"`
	Times
}

func (c *ColdStart) section() document.Section {
	s := document.Section{
		Title: "Cold start",
		Conditions: fmt.Sprintf("From the start of the OCI runtime on the node to the first successful GET /readyz, asked every 0.5 ms: crun with WasmEdge and the module compiled "+
			"ahead of time, the same without its native code, the native server by runc and by crun, and the module under wazero, which compiles it at each start, by runc (%d starts of it). The last two columns are the same by containerd and its shim, from the start of "+
			"`ctr run`, which is a part of it. %d starts of each of the others, in turns, with no battle pods on the node; files are in memory from one start before. "+
			"The configuration is the one that containerd wrote for a battle pod; Kubernetes takes no part. A pod's sandbox is not in it. "+
			"A warm room is what a player gets in place of a start: from the first packet to a pod that waits until its welcome, the same number of times. "+
			"The objective is %g ms for Wasm by crun, and %g of native by containerd, P99.", c.Hosted.Ready.Count, c.Starts, startObjective, startRatioObjective),
		Header: []string{"", "native (runc)", "native (crun)", "Wasm (crun)", "Wasm, interpreted (crun)", "wazero (runc)", "Wasm / native (runc)", "native (containerd, runc)", "Wasm (containerd, crun)"},
	}
	for _, row := range []struct {
		name string
		of   func(ContainerTime) float64
		// here tells that containerd's starts have it.
		here bool
	}{
		{"ready, min", func(t ContainerTime) float64 { return t.Ready.Min }, true},
		{"ready, P50", func(t ContainerTime) float64 { return t.Ready.P50 }, true},
		{"ready, P99", func(t ContainerTime) float64 { return t.Ready.P99 }, true},
		{"ready, max", func(t ContainerTime) float64 { return t.Ready.Max }, true},
		{"of which the runtime's create, P50", func(t ContainerTime) float64 { return t.Create.P50 }, false},
		{"until the server takes connections, P50", func(t ContainerTime) float64 { return t.Listening.P50 }, true},
	} {
		cells := []string{row.name}
		for _, t := range []ContainerTime{c.Native, c.NativeCrun, c.Wasm, c.Interpreted, c.Hosted} {
			cells = append(cells, number(row.of(t), "ms", 1))
		}
		cells = append(cells, ratio(row.of(c.Wasm), row.of(c.Native)))
		for _, t := range []ContainerTime{c.NativeContainerd, c.WasmContainerd} {
			if row.here {
				cells = append(cells, number(row.of(t), "ms", 1))
			} else {
				cells = append(cells, "")
			}
		}
		s.Rows = append(s.Rows, cells)
	}
	for _, row := range []struct {
		name string
		time float64
	}{{"a warm room instead, P50", c.Warm.P50}, {"a warm room instead, P99", c.Warm.P99}} {
		s.Rows = append(s.Rows, []string{row.name, "", "", number(row.time, "ms", 1), "", "", "", "", ""})
	}
	part := c.Wasm.Ready.P99 <= startRatioObjective*c.NativeContainerd.Ready.P99
	s.Rows = append(s.Rows,
		[]string{fmt.Sprintf("P99 at most %g ms", startObjective), "", "", verdict(c.Wasm.Ready.P99 <= startObjective), "", "", "", "", ""},
		[]string{fmt.Sprintf("P99 at most %g of native by containerd", startRatioObjective), "", "", verdict(part), "", "", "", "",
			ratio(c.Wasm.Ready.P99, c.NativeContainerd.Ready.P99)})
	s.Charts = []document.Chart{c.chart()}
	return s
}

func (c *ColdStart) stageSection() document.Section {
	s := document.Section{
		Title: "What a cold start consists of",
		Conditions: fmt.Sprintf("%d starts of the module in a process by itself, without a container: a probe that makes the same calls of the same libwasmedge as crun does, "+
			"and looks at the clock between two of them. Each part is from the end of the one before; its percentiles are its own and do not add up. libLLVM is linked first and by itself. What crun "+
			"does to make a container is not in it, nor can the start of Go, the configuration and the sockets be told apart from without.", c.Starts),
		Header: []string{"", "P50", "P99", "interpreted, P50", "interpreted, P99"},
	}
	for i, stage := range c.Stages {
		var plain Stage
		if i < len(c.StagesInterpreted) {
			plain = c.StagesInterpreted[i]
		}
		s.Rows = append(s.Rows, []string{stage.Name, number(stage.P50, "ms", 2), number(stage.P99, "ms", 2), number(plain.P50, "ms", 2), number(plain.P99, "ms", 2)})
	}
	s.Charts = []document.Chart{c.stageChart()}
	return s
}
