package fleet

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// What an update needs on the operator's machine, in bytes: one process of the Kubernetes provider a city, and the CLI, the language host,
// the program and the command provider a region.
const (
	perCity   = 200 << 20
	perRegion = 700 << 20
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
