// Package progress prints what a long run is doing, and for how long it has been doing it.
package progress

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// heartbeat is how often a step that is still running says so: often enough that nobody takes it for hung.
const heartbeat = 20 * time.Second

// Reporter prints steps. It is safe for concurrent use.
type Reporter struct {
	mu    sync.Mutex
	w     io.Writer
	start time.Time
	beat  time.Duration
}

// New returns a Reporter that prints to w; elapsed times count from now.
func New(w io.Writer) *Reporter {
	return &Reporter{w: w, start: time.Now(), beat: heartbeat}
}

// Step runs f under a title: it prints the title when f starts, a line every 20 s while it runs, and how it ended.
func (r *Reporter) Step(ctx context.Context, title string, f func(context.Context) error) error {
	began := time.Now()
	r.print("•", title)
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(r.beat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.print("…", fmt.Sprintf("%s: %s so far", title, time.Since(began).Round(time.Second)))
			case <-done:
				return
			}
		}
	}()
	err := f(ctx)
	close(done)
	<-stopped
	if err != nil {
		r.print("✗", fmt.Sprintf("%s: failed after %s", title, round(time.Since(began))))
		return err
	}
	r.print("✓", fmt.Sprintf("%s (%s)", title, round(time.Since(began))))
	return nil
}

// Note prints one line that is not a step: something found, chosen or left out.
func (r *Reporter) Note(format string, args ...any) { r.print("·", fmt.Sprintf(format, args...)) }

func (r *Reporter) print(mark, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	elapsed := time.Since(r.start).Round(time.Second)
	_, _ = fmt.Fprintf(r.w, "[%3d:%02d] %s %s\n", int(elapsed.Minutes()), int(elapsed.Seconds())%60, mark, text)
}

// round keeps short times readable without showing noise on long ones.
func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
