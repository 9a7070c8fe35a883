// Package group runs the components of a node, which live and end together.
package group

import (
	"context"
	"fmt"
)

// Group is a set of components. The first that ends, ends the wait for all.
type Group struct {
	ctx  context.Context
	ends chan error
}

// New makes a group whose components run until ctx is done.
func New(ctx context.Context) *Group {
	return &Group{ctx: ctx, ends: make(chan error, 1)}
}

// Go runs a component. It is to run on as long as its context lasts: that it returns sooner is an error, whatever it returns.
func (g *Group) Go(name string, run func(context.Context) error) {
	go func() {
		err := run(g.ctx)
		if err == nil {
			err = fmt.Errorf("%s ended", name)
		} else {
			err = fmt.Errorf("%s: %w", name, err)
		}
		select {
		case g.ends <- err:
		default:
		}
	}()
}

// Wait returns when the context is done, with nil, or with the error of the first component that ended before.
func (g *Group) Wait() error {
	select {
	case <-g.ctx.Done():
		return nil
	case err := <-g.ends:
		if g.ctx.Err() != nil {
			return nil
		}
		return err
	}
}
