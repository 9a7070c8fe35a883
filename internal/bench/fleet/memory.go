package fleet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/edge-arena/edge-arena/internal/machine"
	"github.com/edge-arena/edge-arena/tests/rig"
)

// sampled is how often memory and processors are looked at.
const sampled = time.Second

// Load is what a region took of the machine at the most.
type Load struct {
	// Machine is the most memory that was in use on the whole machine, in bytes: all that is not available, this command, Pulumi and its
	// plugins included. Before is what was in use before the nodes were made.
	Machine int64 `json:"machine"`
	Before  int64 `json:"before"`
	// Containers is the most that the nodes took, without the page cache that they would give back.
	Containers int64 `json:"containers"`
	// Busy is which part of the time the machine's cores were at work, 0 to 1.
	Busy float64 `json:"busy"`
}

// watchLoad watches the machine until stop is called.
func watchLoad(ctx context.Context, r *rig.Rig) (stop func() Load, err error) {
	dirs, err := memoryDirs(ctx, r)
	if err != nil {
		return nil, err
	}
	before, err := machine.ReadProcessors()
	if err != nil {
		return nil, err
	}
	var peak Load
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(sampled)
		defer tick.Stop()
		for {
			if used, _, err := machine.Memory(); err == nil {
				peak.Machine = max(peak.Machine, used)
			}
			var sum int64
			for _, dir := range dirs {
				sum += workingSet(dir)
			}
			peak.Containers = max(peak.Containers, sum)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	return sync.OnceValue(func() Load {
		close(done)
		wg.Wait()
		if now, err := machine.ReadProcessors(); err == nil {
			peak.Busy, _ = now.Since(before)
		}
		return peak
	}), nil
}

// memoryDirs are the folders of the rig's containers in the memory controller's hierarchy.
func memoryDirs(ctx context.Context, r *rig.Rig) ([]string, error) {
	args := []string{"inspect", "--format", "{{.Id}} {{.State.Pid}}"}
	for _, n := range r.Nodes() {
		args = append(args, n.Container)
	}
	lines, err := r.Docker().Lines(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("find the nodes' memory: %w", err)
	}
	var dirs []string
	for _, line := range lines {
		id, pid, _ := strings.Cut(line, " ")
		content, err := os.ReadFile(filepath.Join("/proc", pid, "cgroup"))
		if err != nil {
			return nil, fmt.Errorf("find the nodes' memory: %w", err)
		}
		dir := memoryDir(string(content), id)
		if dir == "" {
			return nil, fmt.Errorf("find the nodes' memory: container %s is in no control group of its own", id)
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

// memoryDir finds the container's folder in the content of /proc/PID/cgroup of its first process, which may have moved below it: that of
// the memory controller, else of the unified hierarchy.
func memoryDir(content, id string) string {
	unified := ""
	for line := range strings.Lines(content) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		before, _, ok := strings.Cut(parts[2], id)
		if !ok {
			continue
		}
		folder := before + id
		if strings.HasSuffix(before, "docker-") {
			folder += ".scope"
		}
		switch parts[1] {
		case "memory":
			return filepath.Join("/sys/fs/cgroup/memory", folder)
		case "":
			unified = filepath.Join("/sys/fs/cgroup", folder)
		}
	}
	return unified
}

// workingSet is what a control group takes without the page cache that it would give back, in bytes; 0 for one that has gone.
func workingSet(dir string) int64 {
	for _, version := range [][2]string{{"memory.usage_in_bytes", "total_inactive_file"}, {"memory.current", "inactive_file"}} {
		usage, err := os.ReadFile(filepath.Join(dir, version[0]))
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(usage)), 10, 64)
		if err != nil {
			return 0
		}
		stat, err := os.ReadFile(filepath.Join(dir, "memory.stat"))
		if err != nil {
			return 0
		}
		for line := range strings.Lines(string(stat)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if key != version[1] {
				continue
			}
			inactive, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return 0
			}
			return max(n-inactive, 0)
		}
	}
	return 0
}
