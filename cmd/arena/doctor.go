package main

import (
	"context"
	"io"
	"os/exec"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/tests/rig"
	"github.com/edge-arena/edge-arena/tests/rig/docker"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Show what is installed, and which parts are stand-ins and why",
		Long:  "Show where each part of the local city comes from. Nothing is installed or changed.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, _, err := open(cmd)
			if err != nil {
				return err
			}
			return doctor(cmd.Context(), w, cmd.OutOrStdout())
		},
	}
}

// Why a part may be a stand-in, in the reader's words.
const (
	whyK3s     = "stand-in: the K3s release could not be downloaded; built from upstream Kubernetes 1.30.4, kine and Debian's containerd"
	whyCommand = "stand-in: the official plugin could not be downloaded; built from tools/pulumi-resource-command"
	missing    = "not there yet: arena up sees to it"
)

func doctor(ctx context.Context, w *workspace.Workspace, out io.Writer) error {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"part", "version", "what and where from"})
	t.AppendRow(table.Row{"Go", firstLine(ctx, "go", "version"), lookup("go")})
	tools, err := w.Inventory()
	if err != nil {
		return err
	}
	if len(tools) == 0 {
		t.AppendRow(table.Row{"Pulumi", "", missing})
	}
	for _, part := range tools {
		origin := part.Origin
		if part.StandIn && strings.HasPrefix(part.Name, "pulumi-") {
			origin = whyCommand
		}
		t.AppendRow(table.Row{part.Name, part.Version, origin})
	}
	if err := machineRows(ctx, w, t); err != nil {
		return err
	}
	t.Render()
	return nil
}

// machineRows tell of Docker, of what arena changed on the machine, and of the rig.
func machineRows(ctx context.Context, w *workspace.Workspace, t table.Writer) error {
	var m docker.Machine
	state, err := m.State()
	if err != nil {
		return err
	}
	origin, version := missing, ""
	d, err := m.Find(ctx)
	if err != nil {
		origin = err.Error()
	} else if d != nil {
		if version, err = d.Version(ctx); err != nil {
			return err
		}
		origin = "this machine's daemon"
		if d.Ours {
			origin = "a daemon of ours, that arena down stops"
		}
	}
	t.AppendRow(table.Row{"Docker", version, origin})
	if len(state.Packages) > 0 {
		t.AppendRow(table.Row{"Debian packages", len(state.Packages), "installed by arena: " + strings.Join(state.Packages, " ")})
	}
	if !rig.Exists(w.Path("rig")) {
		t.AppendRow(table.Row{"K3s", rig.K3sVersion, missing})
		return nil
	}
	r, err := rig.Open(w.Path("rig"))
	if err != nil {
		return err
	}
	k3s := "official release"
	if mirror := r.Mirror(); mirror != nil && mirror.Origin == rig.OriginStandIn {
		k3s = whyK3s
	}
	t.AppendRow(table.Row{"K3s", rig.K3sVersion, k3s})
	for _, n := range r.Nodes() {
		t.AppendRow(table.Row{"node " + n.Name, "Debian trixie", "a container of this machine at " + n.Address + ", reached over SSH"})
	}
	return nil
}

func firstLine(ctx context.Context, name string, args ...string) string {
	out, err := command.Run(ctx, name, args...)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(out, "\n")
	return line
}

func lookup(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return missing
	}
	return path
}
