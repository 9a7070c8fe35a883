package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/coldstart"
)

// startPort is free on the node: it lies below the range of the battle pods.
const startPort = 19_999

// coldStart starts containers of both kinds in turn, on the node, while there are no battle pods.
func (r *runner) coldStart(ctx context.Context) error {
	job := coldstart.Job{
		Starts: 20, Port: startPort, Timeout: 20 * time.Second,
		Kinds: []coldstart.Kind{
			{Name: "wasm", Runtime: "crun", Image: r.cfg.Wasm.Reference, Program: "/app.wasm", Annotations: map[string]string{handlerAnnotation: "wasm"}},
			// The same runtime as for Wasm, and the one that native pods have: what is the runtime's is then not taken for Wasm's.
			{Name: "native-crun", Runtime: "crun", Image: r.cfg.Native.Reference, Program: "/app"},
			{Name: "native", Runtime: "runc", Image: r.cfg.Native.Reference, Program: "/app"},
		},
	}
	if r.cfg.Quick {
		job.Starts = 5
	}
	var err error
	if job.Spec, err = r.liveSpec(ctx); err != nil {
		return err
	}
	var result coldstart.Result
	err = r.withImage(ctx, func(ctx context.Context) error {
		return r.withRestore(ctx, func(ctx context.Context) error {
			if err := r.cluster.scale(ctx, 0); err != nil {
				return err
			}
			return r.p.Step(ctx, fmt.Sprintf("start %d containers of each kind", job.Starts), func(ctx context.Context) (err error) {
				result, err = r.node.coldStart(ctx, job)
				return err
			})
		})
	})
	if err != nil {
		return err
	}
	r.report.ColdStart = &ColdStart{
		Starts: job.Starts, Wasm: containerTime(result["wasm"]), Native: containerTime(result["native"]), NativeCrun: containerTime(result["native-crun"]),
	}
	return nil
}

// liveSpec is the OCI configuration that containerd wrote for a battle pod.
func (r *runner) liveSpec(ctx context.Context) (string, error) {
	const find = `cd /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io && for f in */config.json; do
		if grep -q '"args":\["/app.wasm"\]' "$f"; then cat "$f"; exit; fi
	done; echo "no battle pod runs" >&2; exit 1`
	return r.node.run(ctx, nil, find)
}

func containerTime(starts []coldstart.Start) ContainerTime {
	var create, ready []time.Duration
	for _, s := range starts {
		create, ready = append(create, s.Create), append(ready, s.Ready)
	}
	return ContainerTime{Create: timesOf(create), Ready: timesOf(ready)}
}
