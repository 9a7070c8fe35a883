// Package replay turns what an update has made into the bare commands behind it, for plain ssh: the remote commands and copies as they
// are, and the Kubernetes objects as what `kubectl apply` takes. It is the yardstick for what the orchestration itself costs.
package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Step is one command on one host.
type Step struct {
	// Name tells the step from all others.
	Name string
	// City is the city that it is for.
	City string
	// Host is where it runs, as the ssh_config names it.
	Host string
	// After are the names of the steps that must have ended before.
	After []string
	// Script is what the host's shell is given.
	Script string
	// Stdin is what the script reads. A secret.
	Stdin string
	// File is a file of this machine that it reads in place of Stdin; empty is none.
	File string
}

// Run runs every step as soon as those before it have ended. The first that fails ends all others.
func Run(ctx context.Context, steps []Step, run func(context.Context, Step) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(map[string]chan struct{}, len(steps))
	for _, s := range steps {
		ended[s.Name] = make(chan struct{})
	}
	for _, s := range steps {
		for _, before := range s.After {
			if ended[before] == nil {
				return fmt.Errorf("step %s comes after %s, which there is none of", s.Name, before)
			}
		}
	}
	errs := make([]error, len(steps))
	var wg sync.WaitGroup
	for i, s := range steps {
		wg.Go(func() {
			for _, before := range s.After {
				select {
				case <-ended[before]:
				case <-ctx.Done():
					return
				}
			}
			if err := run(ctx, s); err != nil {
				if ctx.Err() == nil {
					errs[i] = fmt.Errorf("%s on %s: %w", s.Name, s.Host, err)
				}
				cancel()
				return
			}
			close(ended[s.Name])
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return context.Cause(ctx)
}
