package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// userHZ is how many of the kernel's ticks of processor time are a second: on Linux, always.
const userHZ = 100

// process is what /proc/PID/stat tells of one.
type process struct {
	pid, parent int
	// ticks is its processor time, born its start, both in the kernel's ticks.
	ticks, born int64
	rss         int64
}

// watchUsage adds up what this process and those below it take until stop is called: processor time in seconds, and the most memory that
// was resident in those below it together, in bytes.
func watchUsage() (stop func() (cpu float64, peakRSS int64), err error) {
	before, err := waitedFor()
	if err != nil {
		return nil, err
	}
	root := os.Getpid()
	// A process is told from a later one of the same number by when it was born.
	seen := map[[2]int64]int64{}
	var peak int64
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			var rss int64
			for _, p := range below(processes(), root) {
				seen[[2]int64{int64(p.pid), p.born}] = p.ticks
				rss += p.rss
			}
			peak = max(peak, rss)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	return func() (float64, int64) {
		close(done)
		wg.Wait()
		var sum int64
		for _, ticks := range seen {
			sum += ticks
		}
		children := 0.0
		self := 0.0
		if after, err := waitedFor(); err == nil {
			self, children = after.self-before.self, after.children-before.children
		}
		// The kernel adds up those that were waited for, plugins that are killed may not be among them; what was seen lacks those that
		// were short, and the end of the others.
		return self + max(children, float64(sum)/userHZ), peak
	}, nil
}

type waited struct{ self, children float64 }

// waitedFor is the processor time of this process, and of those below it that have ended and were waited for, in seconds.
func waitedFor() (w waited, err error) {
	for who, seconds := range map[int]*float64{syscall.RUSAGE_SELF: &w.self, syscall.RUSAGE_CHILDREN: &w.children} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return w, fmt.Errorf("see what was used: %w", err)
		}
		*seconds = time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	}
	return w, nil
}

// processes lists all of this machine.
func processes() []process {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var all []process
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if p, ok := parseProcess(string(content)); ok {
			p.rss *= int64(os.Getpagesize())
			all = append(all, p)
		}
	}
	return all
}

// parseProcess reads the content of /proc/PID/stat; rss is in pages. The second field, the name in brackets, may hold spaces.
func parseProcess(stat string) (p process, ok bool) {
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return p, false
	}
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 22 {
		return p, false
	}
	var errs [6]error
	number := func(i int, s string) (n int64) {
		n, errs[i] = strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		return n
	}
	p.pid, p.parent = int(number(0, stat[:open])), int(number(1, fields[1]))
	p.ticks = number(2, fields[11]) + number(3, fields[12])
	p.born, p.rss = number(4, fields[19]), number(5, fields[21])
	return p, errs == [6]error{}
}

// below are the processes that descend from root.
func below(all []process, root int) []process {
	children := map[int][]process{}
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
	}
	var found []process
	for next := []int{root}; len(next) > 0; next = next[1:] {
		for _, p := range children[next[0]] {
			found = append(found, p)
			next = append(next, p.pid)
		}
	}
	return found
}
