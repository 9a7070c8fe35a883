// Package proc reads what processes use from a proc file system.
package proc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a process and what it uses.
type Process struct {
	PID    int `json:"pid"`
	Parent int `json:"parent"`
	// Command is its command line, joined by spaces.
	Command string `json:"command"`
	// Cgroup is the content of its cgroup file: one line for each hierarchy of cgroup v1, one in all with v2.
	Cgroup string `json:"cgroup"`
	// CPU is the processor time that it has used, in user and kernel mode.
	CPU time.Duration `json:"cpu"`
	// PSS is its memory in bytes, shared pages divided among those that share them. RSS counts them in full.
	PSS int64 `json:"pss"`
	RSS int64 `json:"rss"`
	// FilePSS is the part of PSS that is mapped from files and not changed: programs and libraries.
	FilePSS int64 `json:"filePss"`
}

// Sample is all processes at one time.
type Sample struct {
	Taken     time.Time `json:"taken"`
	Processes []Process `json:"processes"`
}

// Read reads all processes from the proc file system at root. Without memory PSS and RSS stay 0: to read them stops a process for
// a moment. Processes that end meanwhile are left out.
func Read(root string, memory bool) (Sample, error) {
	s := Sample{Taken: time.Now()}
	entries, err := os.ReadDir(root)
	if err != nil {
		return s, fmt.Errorf("read processes: %w", err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, err := read(filepath.Join(root, e.Name()), memory)
		switch {
		case gone(err):
		case err != nil:
			return s, fmt.Errorf("read process %d: %w", pid, err)
		default:
			p.PID = pid
			s.Processes = append(s.Processes, p)
		}
	}
	return s, nil
}

// One reads one process from the proc file system at root, as [Read] reads all.
func One(root string, pid int, memory bool) (Process, error) {
	p, err := read(filepath.Join(root, strconv.Itoa(pid)), memory)
	if err != nil {
		return p, fmt.Errorf("read process %d: %w", pid, err)
	}
	p.PID = pid
	return p, nil
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

func read(dir string, memory bool) (Process, error) {
	var p Process
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, err
	}
	if p.Parent, p.CPU, err = parseStat(string(stat)); err != nil {
		return p, err
	}
	command, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return p, err
	}
	p.Command = string(bytes.TrimSpace(bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
	cgroup, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	if err != nil {
		return p, err
	}
	p.Cgroup = string(cgroup)
	if !memory {
		return p, nil
	}
	rollup, err := os.ReadFile(filepath.Join(dir, "smaps_rollup"))
	if err != nil {
		return p, err
	}
	err = parseRollup(string(rollup), &p)
	return p, err
}

// tick is the unit of times in a stat file. The kernel's interface to programs has it at 1/100 s, whatever its own clock does.
const tick = 10 * time.Millisecond

// parseStat finds the parent and the processor time. The second field is the program's name in parentheses, which may hold spaces
// and parentheses itself.
func parseStat(stat string) (parent int, cpu time.Duration, err error) {
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, 0, fmt.Errorf("stat %q: too short", stat)
	}
	if parent, err = strconv.Atoi(f[1]); err != nil {
		return 0, 0, fmt.Errorf("stat: parent: %w", err)
	}
	for _, field := range f[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("stat: processor time: %w", err)
		}
		cpu += time.Duration(n) * tick
	}
	return parent, cpu, nil
}

// parseRollup finds the sums of a process's memory, which stand in kB. A kernel thread has none, an old kernel no Pss_File.
func parseRollup(rollup string, p *Process) error {
	lines := bufio.NewScanner(strings.NewReader(rollup))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		var to *int64
		switch name {
		case "Pss":
			to = &p.PSS
		case "Rss":
			to = &p.RSS
		case "Pss_File":
			to = &p.FilePSS
		default:
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return fmt.Errorf("smaps_rollup: %s: %w", name, err)
		}
		*to = kb << 10
	}
	return lines.Err()
}
