package rig

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed snapshot.sh
var snapshotScript string

// Snapshot is what is on a node, by section: processes, mounts, units, unit-files, interfaces, addresses, routes, rules, iptables,
// cgroups, files, run, packages, sysctls, machine-sysctls. Lines are sorted. The last section is the machine's, not the node's: its
// kernel is shared, and any other rig's kubelet sets the same values.
type Snapshot map[string][]string

// Snapshot looks at all that is on the node, past SSH and the network. See snapshot.sh for what is left out, and why.
func (r *Rig) Snapshot(ctx context.Context, node string) (Snapshot, error) {
	out, err := r.Exec(ctx, node, "sh", "-c", snapshotScript)
	if err != nil {
		return nil, fmt.Errorf("look at node %s: %w", node, err)
	}
	return parseSnapshot(out)
}

func parseSnapshot(out string) (Snapshot, error) {
	s := Snapshot{}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		section, rest, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("read snapshot: unexpected line %q", line)
		}
		s[section] = append(s[section], rest)
	}
	for _, lines := range s {
		slices.Sort(lines)
	}
	return s, nil
}

// Change is how one section differs.
type Change struct{ Added, Removed []string }

// Diff is how two snapshots differ, by section; sections without a difference aren't in it.
type Diff map[string]Change

// Diff tells how a later snapshot differs from s. A line that is there twice counts twice.
func (s Snapshot) Diff(later Snapshot) Diff {
	d := Diff{}
	sections := maps.Clone(s)
	maps.Copy(sections, later)
	for section := range sections {
		c := Change{Added: minus(later[section], s[section]), Removed: minus(s[section], later[section])}
		if len(c.Added)+len(c.Removed) > 0 {
			d[section] = c
		}
	}
	return d
}

// Without returns the diff without some sections.
func (d Diff) Without(sections ...string) Diff {
	out := maps.Clone(d)
	maps.DeleteFunc(out, func(section string, _ Change) bool { return slices.Contains(sections, section) })
	return out
}

// Outside returns the diff without a folder and all that is in it.
func (d Diff) Outside(folder string) Diff {
	within := func(line string) bool {
		return strings.HasPrefix(line, folder+" ") || strings.HasPrefix(line, folder+"/")
	}
	out := Diff{}
	for section, c := range d {
		c.Added = slices.DeleteFunc(slices.Clone(c.Added), within)
		c.Removed = slices.DeleteFunc(slices.Clone(c.Removed), within)
		if len(c.Added)+len(c.Removed) > 0 {
			out[section] = c
		}
	}
	return out
}

// String prints the diff for people: "+" is what came, "-" what went.
func (d Diff) String() string {
	var out strings.Builder
	for _, section := range slices.Sorted(maps.Keys(d)) {
		fmt.Fprintf(&out, "%s:\n", section)
		for _, line := range d[section].Removed {
			fmt.Fprintf(&out, "  - %s\n", line)
		}
		for _, line := range d[section].Added {
			fmt.Fprintf(&out, "  + %s\n", line)
		}
	}
	return out.String()
}

// minus returns the lines of a that b lacks. Both are sorted.
func minus(a, b []string) []string {
	var out []string
	for _, line := range a {
		for len(b) > 0 && b[0] < line {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == line {
			b = b[1:]
			continue
		}
		out = append(out, line)
	}
	return out
}
