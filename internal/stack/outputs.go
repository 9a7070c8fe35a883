package stack

import "context"

// City is what the program in infra/ tells of a city. Nothing in it is secret.
type City struct {
	// K3s is the version on the first server.
	K3s    string `json:"k3s"`
	Nodes  []Node `json:"nodes"`
	Battle Battle `json:"battle"`
}

// Node is a node of a city.
type Node struct {
	Name string `json:"name"`
	Role string `json:"role"`
	// Address is where the operator reaches it.
	Address string `json:"address"`
	// WasmEdge is the version that its containerd handler runs.
	WasmEdge string `json:"wasmEdge"`
}

// Battle is the battle service of a city.
type Battle struct {
	Namespace string `json:"namespace"`
	Image     string `json:"image"`
	Replicas  int    `json:"replicas"`
	TickRate  int    `json:"tickRate"`
}

// SLO is what the region promises and how it is measured.
type SLO struct {
	RTTP50Ms    float64 `json:"rttP50Ms"`
	RTTP99Ms    float64 `json:"rttP99Ms"`
	RTTP999Ms   float64 `json:"rttP999Ms"`
	TickRate    float64 `json:"tickRate"`
	BotsPerPod  int     `json:"botsPerPod"`
	DurationSec float64 `json:"durationSec"`
}

// Cities returns the region's cities by name.
func (s Stack) Cities(ctx context.Context) (map[string]City, error) {
	var cities map[string]City
	return cities, s.Output(ctx, "cities", &cities)
}

// Kubeconfigs returns the admin's kubeconfig of each city: secrets.
func (s Stack) Kubeconfigs(ctx context.Context) (map[string]string, error) {
	var kubeconfigs map[string]string
	return kubeconfigs, s.Output(ctx, "kubeconfigs", &kubeconfigs)
}

// SLO returns the region's objectives.
func (s Stack) SLO(ctx context.Context) (SLO, error) {
	var slo SLO
	return slo, s.Output(ctx, "slo", &slo)
}
