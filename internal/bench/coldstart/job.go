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
	// Probe is the program stageprobe.
	Probe string `json:"probe"`
	// Timeout is how long a start may take.
	Timeout time.Duration `json:"timeout"`
}

// Kind is one way to run the server.
type Kind struct {
	// Name is what the results call it.
	Name string `json:"name"`
	// Runtime is the OCI runtime: crun, runc, or [Handler].
	Runtime string `json:"runtime"`
	// Libraries is a folder in which the dynamic linker of the stages' probe looks first, as that of the runtime does.
	Libraries string `json:"libraries,omitempty"`
	// Containerd has containerd start the container, through its shim, with the same runtime.
	Containerd bool `json:"containerd,omitempty"`
	// Image names an image in containerd's store, Program the server in it.
	Image   string `json:"image"`
	Program string `json:"program"`
	// Stages takes the start apart as well, in further starts without an OCI runtime. It is for Wasm.
	Stages bool `json:"stages,omitempty"`
	// Every has only each so-many-th start of the job be one of this kind: what takes long need not be started so often. Default is each.
	Every int `json:"every,omitempty"`
	// Annotations are those of the container.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Start is one start of a container. All times count from the start of the runtime, or of containerd's client: Create until the runtime has made the
// container, 0 where containerd makes it; Listening until the server first took a connection; Ready until /readyz first answered.
type Start struct {
	Create    time.Duration `json:"create"`
	Listening time.Duration `json:"listening"`
	Ready     time.Duration `json:"ready"`
}

// Stages are what the start of a Wasm server consists of, without a container. Each is the time from the end of the one before.
type Stages struct {
	// Exec is from the start of the process to its first own instruction: it is the probe's, and not crun's.
	Exec time.Duration `json:"exec"`
	// LLVM links libLLVM and what that needs, Library libwasmedge and the rest.
	LLVM    time.Duration `json:"llvm"`
	Library time.Duration `json:"library"`
	// Machine makes WasmEdge's machine, and its WASI.
	Machine time.Duration `json:"machine"`
	// Load reads the module, Validate checks it, Instantiate gives it its memory.
	Load        time.Duration `json:"load"`
	Validate    time.Duration `json:"validate"`
	Instantiate time.Duration `json:"instantiate"`
	// Program is the module's own: Go's runtime, the configuration and the sockets, until it first took a connection.
	Program time.Duration `json:"program"`
	// Ready is from there to the first answer of /readyz.
	Ready time.Duration `json:"ready"`
}

// Total is the whole start.
func (s Stages) Total() time.Duration {
	return s.Exec + s.LLVM + s.Library + s.Machine + s.Load + s.Validate + s.Instantiate + s.Program + s.Ready
}

// Result is the starts of each kind by its name, and the stages of those that were taken apart.
type Result struct {
	Starts map[string][]Start  `json:"starts"`
	Stages map[string][]Stages `json:"stages,omitempty"`
}
