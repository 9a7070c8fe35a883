package chaos

import (
	"context"

	"github.com/edge-arena/edge-arena/tests/rig"
)

// Node is the city's node, which is killed as a power cut would.
type Node interface {
	// Exec runs a command as root.
	Exec(ctx context.Context, cmd ...string) (string, error)
	// Kill ends all of its processes at once, Start starts it again.
	Kill(ctx context.Context) error
	Start(ctx context.Context) error
}

// OnRig is the node of that name of a rig.
func OnRig(r *rig.Rig, name string) Node { return rigNode{r, name} }

type rigNode struct {
	rig  *rig.Rig
	name string
}

func (n rigNode) Exec(ctx context.Context, cmd ...string) (string, error) {
	return n.rig.Exec(ctx, n.name, cmd...)
}
func (n rigNode) Kill(ctx context.Context) error  { return n.rig.Kill(ctx, n.name) }
func (n rigNode) Start(ctx context.Context) error { return n.rig.Start(ctx, n.name) }
