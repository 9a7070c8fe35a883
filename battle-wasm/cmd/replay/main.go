// Command replay plays a recorded battle, a log of package sim on stdin, and prints a line for each second of it: the tick, and the hash of the state. It is the
// simulation alone, without server and sockets, natively as in Wasm: what runs it must come to the same lines on every processor.
package main

import (
	"strconv"
	"syscall"

	"github.com/edge-arena/edge-arena/battle-wasm/sim"
)

func main() {
	out, err := replay()
	_, _ = syscall.Write(1, out)
	if err != nil {
		_, _ = syscall.Write(2, []byte("replay: "+err.Error()+"\n"))
		syscall.Exit(1)
	}
}

func replay() (out []byte, err error) {
	var log sim.Log
	for chunk := make([]byte, 64<<10); ; {
		n, err := syscall.Read(0, chunk)
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			break
		}
		log = append(log, chunk[:n]...)
	}
	a := &sim.Arena{}
	err = log.Replay(a, func() {
		if a.Tick%120 == 0 {
			out = append(strconv.AppendInt(out, int64(a.Tick), 10), ' ')
			out = append(strconv.AppendUint(out, a.Hash(), 16), '\n')
		}
	})
	return out, err
}
