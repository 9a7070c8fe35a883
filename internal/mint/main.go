package mint

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/edge-arena/edge-arena/internal/subprogram"
)

// Main is the mint's process: it reads a [Spec] from stdin and what was minted before from the environment, writes the credentials to stdout, and
// returns the exit code.
func Main() int {
	return subprogram.Main(func(_ context.Context, stdin io.Reader, stdout, _ io.Writer) error {
		if err := run(stdin, stdout, os.Getenv(PreviousEnv), time.Now()); err != nil {
			return fmt.Errorf("mint: %w", err)
		}
		return nil
	})
}

// run writes the credentials as JSON on one line. What was before and cannot be read is an error: to mint anew would make other players of all.
func run(stdin io.Reader, stdout io.Writer, before string, now time.Time) error {
	spec, err := readSpec(stdin)
	if err != nil {
		return err
	}
	var previous *Credentials
	if before != "" {
		if previous, err = Parse(before); err != nil {
			return err
		}
	}
	credentials, err := Mint(spec, previous, now)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(credentials); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
