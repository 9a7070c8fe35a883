// Command tickbench measures what the battle server computes in a tick, without any system call: packets of ten players a room in, the simulation, snapshots out. It
// is built natively and for wasip1, so that the two can be compared; `arena bench netcode` runs both.
//
//	tickbench ROOMS TICKS
//
// It prints one JSON object, a [loopback.Measurement]. As the server it does without fmt and encoding/json: a module is compiled ahead of time at 40 kB a second.
package main

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/loopback"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		print("tickbench: ", err.Error(), "\n")
		os.Exit(1)
	}
}

// warmup is how many ticks are not measured.
const warmup = 120

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: tickbench ROOMS TICKS")
	}
	rooms, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	ticks, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	l, err := loopback.NewLoad(rooms, warmup+ticks)
	if err != nil {
		return err
	}
	times := make([]int64, 0, ticks)
	var before, after runtime.MemStats
	runtime.GC()
	for n := range warmup + ticks {
		if n == warmup {
			runtime.ReadMemStats(&before)
		}
		began := cpuTime()
		l.Inputs()
		l.Tick()
		if n >= warmup {
			times = append(times, cpuTime()-began)
		}
	}
	runtime.ReadMemStats(&after)
	sum := int64(0)
	for _, t := range times {
		sum += t
	}
	slices.Sort(times)
	at := func(permille int) float64 {
		return float64(times[min(len(times)-1, len(times)*permille/1000)]) / float64(rooms)
	}
	b := []byte("{")
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"Rooms", float64(rooms)}, {"Ticks", float64(ticks)}, {"Mean", float64(sum) / float64(ticks) / float64(rooms)}, {"P50", at(500)}, {"P99", at(990)},
		{"Allocations", float64(after.Mallocs-before.Mallocs) / float64(ticks)},
		{"SnapshotBytes", float64(l.Bytes) / float64(max(1, l.Sent))},
	} {
		b = strconv.AppendQuote(b, f.name)
		b = strconv.AppendFloat(append(b, ':'), f.value, 'f', -1, 64)
		b = append(b, ',')
	}
	b = strconv.AppendQuote(append(b, `"Clock":`...), clockName())
	_, err = os.Stdout.Write(append(b, "}\n"...))
	return err
}
