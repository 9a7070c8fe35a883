package slo

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where the bots ran. Numbers of different machines do not compare.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	// Memory is in bytes.
	Memory int64 `json:"memory"`
}

// ThisMachine describes this machine; what the system does not tell stays empty.
func ThisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(release))
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = cpuModel(info)
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		m.Memory = memTotal(info)
	}
	return m
}

// memTotal finds the memory in the content of /proc/meminfo.
func memTotal(info []byte) int64 {
	for line := range bytes.Lines(info) {
		if value, ok := strings.CutPrefix(string(line), "MemTotal:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}

// cpuModel finds the model's name in the content of /proc/cpuinfo.
func cpuModel(info []byte) string {
	for line := range bytes.Lines(info) {
		if name, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
