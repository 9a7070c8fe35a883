package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const forwardFile = "/proc/sys/net/ipv4/ip_forward"

// setForward sets net.ipv4.ip_forward and returns what it was.
func setForward(value string) (string, error) {
	old, err := os.ReadFile(forwardFile)
	if err != nil {
		return "", fmt.Errorf("read ip_forward: %w", err)
	}
	was := strings.TrimSpace(string(old))
	if was == value {
		return was, nil
	}
	if err := os.WriteFile(forwardFile, []byte(value), 0o644); err != nil {
		return "", fmt.Errorf("set ip_forward: %w", err)
	}
	return was, nil
}

// startTime gives a process's start time, the 22nd field of its stat; the second one, the name in brackets, may hold spaces.
func startTime(pid int) (string, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return "", fmt.Errorf("read process %d: %w", pid, err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("read process %d: unexpected stat", pid)
	}
	return fields[19], nil
}
