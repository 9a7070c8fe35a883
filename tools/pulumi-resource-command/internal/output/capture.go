package output

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/redact"
)

const (
	// maxLogLine is where a line without end is cut for the log: a program that never ends its line must not fill the memory twice.
	maxLogLine = 64 << 10
	// errorLines is how much of a command's output its error shows.
	errorLines = 60
	// errorCommand is how many bytes of a command its error shows: enough to know it by, for a script can be long.
	errorCommand = 200
)

// Capture takes in the two streams of one command. Its writers may be used by two goroutines.
type Capture struct {
	redactor *redact.Redactor
	log      func(string)

	mu             sync.Mutex
	stdout, stderr stream
	// shown is what an error may show: stderr always, for without it no failure could be understood, and stdout if it is logged.
	shown bytes.Buffer
}

// stream is one of the two.
type stream struct {
	all    bytes.Buffer
	line   bytes.Buffer
	logged bool
	shown  bool
}

// NewCapture returns a Capture that logs what logging says to the resource of ctx.
func NewCapture(ctx context.Context, logging *Logging) *Capture {
	return &Capture{
		redactor: redact.From(ctx),
		log:      p.GetLogger(ctx).InfoStatus,
		stdout:   stream{logged: logging.stdout(), shown: logging.stdout()},
		stderr:   stream{logged: logging.stderr(), shown: true},
	}
}

// Stdout is the writer for the command's standard output.
func (c *Capture) Stdout() io.Writer { return writer{c, &c.stdout} }

// Stderr is the writer for the command's standard error.
func (c *Capture) Stderr() io.Writer { return writer{c, &c.stderr} }

// Finish logs what is left of unfinished lines and returns both streams without their last newline. Nothing may be written after.
func (c *Capture) Finish() (stdout, stderr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush(&c.stdout)
	c.flush(&c.stderr)
	return strings.TrimSuffix(c.stdout.all.String(), "\n"), strings.TrimSuffix(c.stderr.all.String(), "\n")
}

// Error makes an error of the command's end and its last lines, without what is secret.
func (c *Capture) Error(command string, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	// What is secret must go before anything is cut off, or half a secret would no longer be known as one.
	lines := strings.Split(strings.TrimRight(c.redactor.Clean(c.shown.String()), "\n"), "\n")
	if over := len(lines) - errorLines; over > 0 {
		lines = append([]string{fmt.Sprintf("[%d lines left out]", over)}, lines[over:]...)
	}
	return fmt.Errorf("%w: running %q:\n%s", err, shorten(c.redactor.Clean(command)), strings.Join(lines, "\n"))
}

// shorten cuts a long command.
func shorten(command string) string {
	if len(command) <= errorCommand {
		return command
	}
	return strings.ToValidUTF8(command[:errorCommand], "") + "…"
}

// flush logs the line that s has begun.
func (c *Capture) flush(s *stream) {
	if s.line.Len() > 0 {
		c.log(c.redactor.Clean(strings.TrimSuffix(s.line.String(), "\n")))
		s.line.Reset()
	}
}

// writer adds to one stream of a Capture.
type writer struct {
	c *Capture
	s *stream
}

func (w writer) Write(b []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.s.all.Write(b)
	if w.s.shown {
		w.c.shown.Write(b)
	}
	if w.s.logged {
		for line := range bytes.Lines(b) {
			w.s.line.Write(line)
			if line[len(line)-1] == '\n' || w.s.line.Len() > maxLogLine {
				w.c.flush(w.s)
			}
		}
	}
	return len(b), nil
}
