package rig

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

// Spec says what a rig is to be.
type Spec struct {
	// Name tells rigs on one machine apart: it is part of the names of their containers and network. Required.
	Name string
	// Nodes are the nodes' names, which are also their host names. Required.
	Nodes []string
	// Dir is the folder for the rig's key, SSH files, mirror and record. Required.
	Dir string
	// Memory limits each node, as in `docker run --memory`. Default is no limit.
	Memory string
	// CPUs limits each node, as in `docker run --cpus`. Default is no limit.
	CPUs string
	// Release gives the folder with the K3s release that the mirror serves, and says where it comes from. Default is no mirror.
	Release ReleaseFunc
	// ReadyTimeout is how long a node may take until SSH answers. Default is 60 s: it takes about 1 s, ten times that on a machine
	// that is busy building.
	ReadyTimeout time.Duration
	// Machine is where Docker and debootstrap are looked for and installed. Default is this machine.
	Machine docker.Machine
	// Cache keeps the node image and downloaded releases. Default is the user's cache.
	Cache *cache.Cache
}

// ReleaseFunc gives the folder of a K3s release and its origin, [OriginOfficial] or [OriginStandIn]. The previous origin is that of the
// release that the rig's mirror has already; it is empty for a new rig. See [OfficialOr].
type ReleaseFunc func(ctx context.Context, previous string) (dir, origin string, err error)

func (s Spec) withDefaults() (Spec, error) {
	if s.ReadyTimeout == 0 {
		s.ReadyTimeout = 60 * time.Second
	}
	if s.Cache == nil {
		c, err := cache.Open()
		if err != nil {
			return s, err
		}
		s.Cache = c
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return s, fmt.Errorf("find the rig's folder: %w", err)
	}
	s.Dir = dir
	return s, nil
}

// label is an RFC 1123 label: what both a host name and a Docker name may be.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$`)

const labelRule = "needs lower-case letters, digits and dashes, at most 42, not at the ends a dash"

func (s Spec) validate() error {
	var errs []error
	if !label.MatchString(s.Name) {
		errs = append(errs, fmt.Errorf("name %q: %s", s.Name, labelRule))
	}
	if s.Dir == "" {
		errs = append(errs, errors.New("dir: is required"))
	}
	if len(s.Nodes) == 0 {
		errs = append(errs, errors.New("nodes: at least one is required"))
	}
	for i, node := range s.Nodes {
		if !label.MatchString(node) || node == mirrorName {
			errs = append(errs, fmt.Errorf("nodes[%d] %q: %s, and %q is the mirror's name", i, node, labelRule, mirrorName))
		}
		if slices.Contains(s.Nodes[:i], node) {
			errs = append(errs, fmt.Errorf("nodes[%d] %q: is there twice", i, node))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("invalid rig: %w", err)
	}
	return nil
}
