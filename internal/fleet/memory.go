package fleet

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// What an update needs on the operator's machine, in bytes. A city is a process of the Kubernetes provider and its part of the CLI's state;
// the rest is the CLI, the language host, the program and the command provider. `arena bench-fleet overhead` measured 0.4, 1.0 and 5.5 GB for
// 1, 4 and 16 cities (docs/benchmarks.md).
const (
	perCity   = 350 << 20
	perRegion = 150 << 20
)

// share is how much of the memory that is available a fleet's run may take.
const share = 0.8

// weight is the memory that a region's update needs.
func weight(cities int) int64 { return perRegion + int64(cities)*perCity }

// memoryFor is how much memory there is for updates.
func memoryFor() (int64, error) {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("see how much memory is available: %w", err)
	}
	available, err := memAvailable(info)
	if err != nil {
		return 0, err
	}
	return int64(float64(available) * share), nil
}

// memAvailable finds what is available in the content of /proc/meminfo, in bytes.
func memAvailable(info []byte) (int64, error) {
	for line := range bytes.Lines(info) {
		if value, ok := strings.CutPrefix(string(line), "MemAvailable:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("see how much memory is available: %w", err)
			}
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("see how much memory is available: /proc/meminfo does not say")
}
