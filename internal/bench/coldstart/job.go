// Package coldstart measures how long a container takes from the start of its runtime until its server is ready. It runs on a node,
// as root, and talks to the runtimes themselves: no Kubernetes, no containerd and no network lie in between.
package coldstart

import "time"

// Job says what to start, and how often.
type Job struct {
	// Spec is the OCI configuration that containerd wrote for a container of the server. What ties it to its pod is taken out.
	Spec string `json:"spec"`
	// Kinds are started in turn.
	Kinds []Kind `json:"kinds"`
	// Starts is how often each is started and measured. One more start of each comes before, so that all files are in memory.
	Starts int `json:"starts"`
	// Port is a free port of the node.
	Port int `json:"port"`
	// Timeout is how long a start may take.
	Timeout time.Duration `json:"timeout"`
}

// Kind is one way to run the server.
type Kind struct {
	// Name is what the results call it.
	Name string `json:"name"`
	// Runtime is the OCI runtime: crun, runc.
	Runtime string `json:"runtime"`
	// Image names an image in containerd's store, Program the server in it.
	Image   string `json:"image"`
	Program string `json:"program"`
	// Annotations are those of the container.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Start is one start. Create is the time until the runtime has made the container, Ready that until /readyz first answered; both
// count from the runtime's start.
type Start struct {
	Create time.Duration `json:"create"`
	Ready  time.Duration `json:"ready"`
}

// Result is the starts of each kind by its name.
type Result map[string][]Start
