package bench

import (
	"path"
	"slices"
	"strings"

	"github.com/edge-arena/edge-arena/internal/bench/proc"
)

// PodWeight is the PSS of pods by part, in bytes: shared pages are divided among those who share them.
type PodWeight struct {
	// Libraries are the files that the server's process maps: the runtime, and for Wasm libwasmedge, libLLVM and what they need.
	Libraries int64 `json:"libraries"`
	// Own is the rest of the server's process: its heap, and for Wasm the module's code and its linear memory.
	Own int64 `json:"own"`
	// Pause holds the pod's namespaces, Shim is containerd's for the pod.
	Pause int64 `json:"pause"`
	Shim  int64 `json:"shim"`
}

func (w PodWeight) server() int64 { return w.Libraries + w.Own }

func (w PodWeight) total() int64 { return w.server() + w.Pause + w.Shim }

func (w *PodWeight) add(o PodWeight) {
	w.Libraries += o.Libraries
	w.Own += o.Own
	w.Pause += o.Pause
	w.Shim += o.Shim
}

// over is the mean of n.
func (w PodWeight) over(n int64) PodWeight {
	return PodWeight{Libraries: w.Libraries / n, Own: w.Own / n, Pause: w.Pause / n, Shim: w.Shim / n}
}

// weighPods sums up the parts of pods. A pod's shim is the parent of its processes.
func weighPods(s proc.Sample, uids []string) PodWeight {
	var w PodWeight
	shims := map[int]bool{}
	for _, p := range s.Processes {
		if isShim(p) || !inPod(p, uids) {
			continue
		}
		shims[p.Parent] = true
		if p.Command == pauseCommand {
			w.Pause += p.PSS
			continue
		}
		w.Libraries += p.FilePSS
		w.Own += p.PSS - p.FilePSS
	}
	for _, p := range s.Processes {
		if shims[p.PID] && isShim(p) {
			w.Shim += p.PSS
		}
	}
	return w
}

// isShim tells whether a process is containerd's for a pod, in whichever cgroup.
func isShim(p proc.Process) bool {
	program, _, _ := strings.Cut(p.Command, " ")
	return strings.HasPrefix(path.Base(program), "containerd-shim")
}

// servers are the processes of pods, less the one that only holds a pod's namespaces.
func servers(s proc.Sample, uids []string) []proc.Process {
	var found []proc.Process
	for _, p := range s.Processes {
		if p.Command != pauseCommand && !isShim(p) && inPod(p, uids) {
			found = append(found, p)
		}
	}
	return found
}

const pauseCommand = "/pause"

// inPod tells whether a process belongs to one of the pods: its cgroup has the pod's UID in its path, with underscores where systemd
// keeps the cgroups.
func inPod(p proc.Process, uids []string) bool {
	return slices.ContainsFunc(uids, func(uid string) bool {
		return strings.Contains(p.Cgroup, "pod"+uid) || strings.Contains(p.Cgroup, "pod"+strings.ReplaceAll(uid, "-", "_"))
	})
}
