package k3s

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Inspection is the command that reads, over SSH, how a node of the cluster differs from what [NewCluster] would make of it, and the text
// for its stdin. It changes nothing on the node, and neither holds a secret. What it prints is for [ParseState].
func Inspection(args *ClusterArgs, node config.Node) (command, stdin string) {
	line := append([]string{"inspect", string(node.Role)}, args.flags(node)...)
	return commandLine(line...), withSettings(installer(), args.settings(node, ""))
}

// InstallName is the logical name of the command that brings a node of the cluster up: to run it again mends what differs.
func InstallName(cluster, node string) string { return cluster + "-" + node + "-k3s" }

// State is how a node is.
type State struct {
	// Node is its name.
	Node string `json:"node"`
	// K3s is the version that the binary tells, and K3sSHA256 its checksum; empty where K3s is not installed by us.
	K3s       string `json:"k3s"`
	K3sSHA256 string `json:"k3sSHA256"`
	// WasmEdge is the version that the containerd handler runs; empty where there is none.
	WasmEdge string `json:"wasmedge"`
	// Differences are what is not as it was asked for.
	Differences []Difference `json:"differences"`
}

// Difference is one thing on a node that is not as it was asked for. What is missing is "nothing"; values that may be secret are hidden, so
// that both may look the same.
type Difference struct {
	Item   string `json:"item"`
	Wanted string `json:"wanted"`
	Found  string `json:"found"`
}

// ParseState reads what an inspection of the named node printed.
func ParseState(printed []byte, node string) (State, error) {
	var s State
	if err := json.Unmarshal(printed, &s); err != nil {
		return State{}, fmt.Errorf("the inspection's report is not JSON (%w): does the login shell of the node print something of its own?", err)
	}
	var errs []error
	if s.Node != node {
		errs = append(errs, fmt.Errorf("the inspection's report is of node %q, not %q", s.Node, node))
	}
	for i, d := range s.Differences {
		if d.Item == "" || d.Wanted == "" || d.Found == "" {
			errs = append(errs, fmt.Errorf("the inspection's report: differences[%d] is incomplete: %+v", i, d))
		}
	}
	return s, errors.Join(errs...)
}
