package coldstart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/freeport"
)

// LiveJob asks how long one more battle pod would take on a node that has some, while they go on.
type LiveJob struct {
	// Image names the battle pods' image in containerd's store.
	Image string `json:"image"`
	// Starts is how often the server is started and measured. One more start comes before, so that all files are in memory.
	Starts int `json:"starts"`
	// Timeout is how long a start may take.
	Timeout time.Duration `json:"timeout"`
}

// live is what the one kind of a [LiveJob] is called.
const live = "live"

// containers has the OCI configuration of each container that K3s' containerd runs, in a folder by its id.
const containers = "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io"

// handler is the annotation that has crun run a container as Wasm.
const handler = "run.oci.handler"

// Live starts the server of the node's battle pods again and again, by the runtime that containerd starts them with, at a port that is free, and leaves nothing behind. It
// has no NATS, so neither the lobby nor a player comes to know of it.
func Live(ctx context.Context, job LiveJob) ([]Start, error) {
	spec, err := liveSpec(containers)
	if err != nil {
		return nil, fmt.Errorf("cold start: %w", err)
	}
	program, err := programOf(spec)
	if err != nil {
		return nil, fmt.Errorf("cold start: %w", err)
	}
	port, err := freeport.Find()
	if err != nil {
		return nil, fmt.Errorf("cold start: %w", err)
	}
	result, err := Run(ctx, Job{
		Spec: string(spec), Starts: job.Starts, Port: port, Timeout: job.Timeout,
		Kinds: []Kind{{Name: live, Runtime: Handler, Image: job.Image, Program: program, Annotations: map[string]string{handler: "wasm"}}},
	})
	return result.Starts[live], err
}

// liveSpec is the configuration of one of the battle servers among the containers in a folder, without its way to NATS.
func liveSpec(folder string) ([]byte, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*", "config.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has just ended
		}
		if err != nil {
			return nil, err
		}
		var spec map[string]any
		if err := json.Unmarshal(text, &spec); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		process, _ := spec["process"].(map[string]any)
		env, _ := process["env"].([]any)
		if !isBattle(spec, env) {
			continue
		}
		process["env"] = slices.DeleteFunc(env, func(v any) bool {
			text, _ := v.(string)
			return strings.HasPrefix(text, "NATS_")
		})
		return json.Marshal(spec)
	}
	return nil, errors.New("no battle pod runs on this node")
}

// isBattle tells a battle server from other containers: crun runs it as Wasm, and it has a port of its own.
func isBattle(spec map[string]any, env []any) bool {
	annotations, _ := spec["annotations"].(map[string]any)
	return annotations[handler] == "wasm" && slices.ContainsFunc(env, func(v any) bool {
		text, _ := v.(string)
		return strings.HasPrefix(text, "BATTLE_PORT=")
	})
}

// programOf is the program of a configuration.
func programOf(spec []byte) (string, error) {
	var known struct {
		Process struct {
			Args []string `json:"args"`
		} `json:"process"`
	}
	if err := json.Unmarshal(spec, &known); err != nil {
		return "", fmt.Errorf("read OCI configuration: %w", err)
	}
	if len(known.Process.Args) == 0 {
		return "", errors.New("OCI configuration: process.args: required")
	}
	return known.Process.Args[0], nil
}
