package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// debugCommands makes the CLI take --event-log, as Pulumi's own Automation API does.
const debugCommands = "PULUMI_DEBUG_COMMANDS=true"

// pollEvery is how often the engine's event log is looked at for more.
const pollEvery = 100 * time.Millisecond

// follow hands on the engine's events as they are written to the file, until done is closed and all of them are read.
func follow(ctx context.Context, path string, done <-chan struct{}, handle func(apitype.EngineEvent)) error {
	var f *os.File
	defer func() {
		if f != nil {
			_ = f.Close() // It was only read.
		}
	}()
	var r *bufio.Reader
	var rest string
	for last := false; ; {
		if f == nil {
			var err error
			if f, err = os.Open(path); err == nil {
				r = bufio.NewReader(f)
			} else if !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("read the engine's events: %w", err)
			}
		}
		for r != nil {
			line, err := r.ReadString('\n')
			rest += line
			if err != nil {
				if !errors.Is(err, io.EOF) {
					return fmt.Errorf("read the engine's events: %w", err)
				}
				break
			}
			var event apitype.EngineEvent
			if err := json.Unmarshal([]byte(rest), &event); err != nil {
				return fmt.Errorf("read the engine's events: %w", err)
			}
			rest = ""
			handle(event)
		}
		if last {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-done:
			last = true
		case <-time.After(pollEvery):
		}
	}
}

// stepOf says in words what is being done when a resource of that name is worked on.
func stepOf(city, name string) string {
	part := strings.TrimPrefix(name, city+"-")
	switch {
	case strings.HasSuffix(part, "-host"):
		return "claim " + strings.TrimSuffix(part, "-host")
	case strings.HasSuffix(part, "-k3s"):
		return "install K3s on " + strings.TrimSuffix(part, "-k3s")
	case strings.HasSuffix(part, "-member"):
		return "join " + strings.TrimSuffix(part, "-member")
	case strings.HasSuffix(part, "-upload") || strings.HasSuffix(part, "-import"):
		return "deliver images"
	case part == "gate-bots":
		return "play bots"
	case strings.HasPrefix(part, "battle"):
		return "battle service"
	case strings.HasPrefix(part, "wasm"):
		return "prove Wasm"
	case part == "kubernetes":
		return "connect"
	}
	return part
}
