package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/coldstart"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/internal/wasmlight"
)

// startPort is free on the node: it lies below the range of the battle pods.
const startPort = 19_999

// The ways in which the server is started.
const (
	startWasm       = "wasm"
	startPlain      = "wasm-interpreted"
	startLLVM       = "wasm-llvm"
	startNative     = "native"
	startNativeCrun = "native-crun"
	startWasmCtr    = "wasm-containerd"
	startNativeCtr  = "native-containerd"
	startHosted     = "wazero"
	startsOfEach    = 200
	quickStarts     = 5
	// seldom is how much less often wazero is started, which compiles the module each time.
	seldom           = 10
	runtimeNative    = "runc"
	runtimeWasm      = "crun"
	programWasm      = "/app.so"
	programPlain     = "/app.wasm"
	programNative    = "/app"
	patienceForStart = 20 * time.Second
)

// startKinds are the ways in which the server is started, in turn.
func startKinds(wasm, native, hosted string) []coldstart.Kind {
	handler := map[string]string{handlerAnnotation: "wasm"}
	return []coldstart.Kind{
		{Name: startWasm, Runtime: coldstart.Handler, Libraries: wasmlight.Folder, Image: wasm, Program: programWasm, Annotations: handler, Stages: true},
		{Name: startPlain, Runtime: coldstart.Handler, Libraries: wasmlight.Folder, Image: wasm, Program: programPlain, Annotations: handler, Stages: true},
		{Name: startLLVM, Runtime: runtimeWasm, Image: wasm, Program: programWasm, Annotations: handler, Stages: true},
		// The same runtime as for Wasm, and the one that native pods have: what is the runtime's is then not taken for Wasm's.
		{Name: startNativeCrun, Runtime: runtimeWasm, Image: native, Program: programNative},
		{Name: startNative, Runtime: runtimeNative, Image: native, Program: programNative},
		{Name: startWasmCtr, Runtime: coldstart.Handler, Containerd: true, Image: wasm, Program: programWasm, Annotations: handler},
		{Name: startNativeCtr, Runtime: runtimeNative, Containerd: true, Image: native, Program: programNative},
		{Name: startHosted, Runtime: runtimeNative, Image: hosted, Program: programNative, Every: seldom},
	}
}

// coldStart starts servers of all kinds in turn, on the node, while there are no battle pods.
func (r *runner) coldStart(ctx context.Context) error {
	job := coldstart.Job{
		Starts: startsOfEach, Port: startPort, Timeout: patienceForStart, Kinds: startKinds(r.cfg.Wasm.Reference, r.cfg.Native.Reference, r.cfg.Hosted.Reference),
	}
	if r.cfg.Quick {
		job.Starts = quickStarts
	}
	var err error
	if job.Probe, err = r.node.bring(ctx, stageprobe); err != nil {
		return err
	}
	if job.Spec, err = r.liveSpec(ctx); err != nil {
		return err
	}
	targets, err := slo.DiscoverBy(ctx, r.cluster.client, r.cluster.namespace, "app="+wasmApp)
	if err != nil {
		return err
	}
	var warm []time.Duration
	if err := r.p.Step(ctx, fmt.Sprintf("join warm rooms %d times", job.Starts), func(ctx context.Context) (err error) {
		warm, err = warmJoins(ctx, targets, job.Starts)
		return err
	}); err != nil {
		return err
	}
	var result coldstart.Result
	err = r.withImages(ctx, func(ctx context.Context) error {
		return r.withRestore(ctx, func(ctx context.Context) error {
			if err := r.cluster.scale(ctx, 0); err != nil {
				return err
			}
			return r.p.Step(ctx, fmt.Sprintf("start %d servers of each kind", job.Starts), func(ctx context.Context) (err error) {
				result, err = r.node.coldStart(ctx, job)
				return err
			})
		})
	})
	if err != nil {
		return err
	}
	r.report.ColdStart = coldStartOf(job.Starts, result)
	r.report.ColdStart.Warm = timesOf(warm)
	return nil
}

func coldStartOf(starts int, result coldstart.Result) *ColdStart {
	of := func(kind string) ContainerTime { return containerTime(result.Starts[kind]) }
	return &ColdStart{
		Starts: starts, Wasm: of(startWasm), Interpreted: of(startPlain), Native: of(startNative), NativeCrun: of(startNativeCrun),
		WasmContainerd: of(startWasmCtr), NativeContainerd: of(startNativeCtr), Hosted: of(startHosted),
		Stages: stagesOf(result.Stages[startWasm]), StagesInterpreted: stagesOf(result.Stages[startPlain]),
		WithLLVM: of(startLLVM), StagesLLVM: stagesOf(result.Stages[startLLVM]),
	}
}

// liveSpec is the OCI configuration that containerd wrote for a battle pod.
func (r *runner) liveSpec(ctx context.Context) (string, error) {
	const find = `cd /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io && for f in */config.json; do
		if grep -q '"args":\["/app.\(wasm\|so\)"\]' "$f"; then cat "$f"; exit; fi
	done; echo "no battle pod runs" >&2; exit 1`
	return r.node.run(ctx, nil, find)
}

func containerTime(starts []coldstart.Start) ContainerTime {
	var create, listening, ready []time.Duration
	for _, s := range starts {
		create, listening, ready = append(create, s.Create), append(listening, s.Listening), append(ready, s.Ready)
	}
	return ContainerTime{Create: timesOf(create), Listening: timesOf(listening), Ready: timesOf(ready)}
}

// stagesOf sums up the starts that were taken apart. The whole is summed up by itself: percentiles of parts do not add up.
func stagesOf(starts []coldstart.Stages) []Stage {
	var stages []Stage
	for _, part := range []struct {
		name string
		of   func(coldstart.Stages) time.Duration
	}{
		{"process: exec and dynamic link of the probe itself", func(s coldstart.Stages) time.Duration { return s.Exec }},
		{"dynamic link of libLLVM and what it needs, or of what stands for it", func(s coldstart.Stages) time.Duration { return s.LLVM }},
		{"dynamic link of libwasmedge and the rest", func(s coldstart.Stages) time.Duration { return s.Library }},
		{"WasmEdge's machine and WASI", func(s coldstart.Stages) time.Duration { return s.Machine }},
		{"load the module", func(s coldstart.Stages) time.Duration { return s.Load }},
		{"validate it", func(s coldstart.Stages) time.Duration { return s.Validate }},
		{"instantiate it", func(s coldstart.Stages) time.Duration { return s.Instantiate }},
		{"start of Go, configuration, sockets, until it takes a connection", func(s coldstart.Stages) time.Duration { return s.Program }},
		{"from there to the first answer of /readyz", func(s coldstart.Stages) time.Duration { return s.Ready }},
		{"all", coldstart.Stages.Total},
	} {
		var all []time.Duration
		for _, s := range starts {
			all = append(all, part.of(s))
		}
		stages = append(stages, Stage{Name: part.name, Times: timesOf(all)})
	}
	return stages
}
