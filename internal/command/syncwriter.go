package command

import (
	"io"
	"sync"
)

// syncWriter lets a program's stdout and stderr, which are copied by two goroutines, share one writer.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
