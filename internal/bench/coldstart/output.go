package coldstart

import (
	"bytes"
	"fmt"
	"os"
	"sync"
)

// output is what a server that starts says: it is a pipe, which the server keeps when the runtime that was given it has ended.
type output struct {
	// write is the server's end of it.
	write *os.File

	read  *os.File
	ended chan struct{}
	mu    sync.Mutex
	text  bytes.Buffer
}

func newOutput() (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	o := &output{write: w, read: r, ended: make(chan struct{})}
	go o.follow()
	return o, nil
}

func (o *output) follow() {
	defer close(o.ended)
	buf := make([]byte, 4096)
	for {
		n, err := o.read.Read(buf)
		if err != nil {
			return // all ends are closed, or this one
		}
		o.mu.Lock()
		o.text.Write(buf[:n])
		o.mu.Unlock()
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// close ends it, whether or not a server still holds the other end.
func (o *output) close() {
	// Both may be closed already. What is lost by an error here is output that nobody reads.
	_ = o.write.Close()
	_ = o.read.Close()
	<-o.ended
}
