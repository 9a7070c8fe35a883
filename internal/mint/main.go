package mint

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// Main is the mint's process: it reads a [Spec] from stdin and what was minted before from the environment, writes the credentials to stdout, and
// returns the exit code.
func Main() int {
	if err := run(os.Stdin, os.Stdout, os.Getenv(PreviousEnv), time.Now()); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "error: mint: %v\n", err)
		return 1
	}
	return 0
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
