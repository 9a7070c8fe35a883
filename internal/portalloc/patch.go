package portalloc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Names that a battle pod and this service agree on.
const (
	// GamePort names the container's UDP port that players reach.
	GamePort = "game"
	// HTTPPort names the container's TCP port of probes and metrics. It has the same number as GamePort.
	HTTPPort = "http"
	// PortEnv names the environment variable that tells the container its port.
	PortEnv = "BATTLE_PORT"
)

// operation is one step of a JSON patch (RFC 6902). "add" replaces a member that is there already.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patch returns the JSON patch that gives the pod its port.
func patch(pod *corev1.Pod, port int) ([]byte, error) {
	i, err := gameContainer(pod)
	if err != nil {
		return nil, err
	}
	c := &pod.Spec.Containers[i]
	path := "/spec/containers/" + strconv.Itoa(i)
	var ops []operation
	for j, p := range c.Ports {
		if isGame(p) || isHTTP(p) {
			at := path + "/ports/" + strconv.Itoa(j)
			ops = append(ops, operation{"add", at + "/containerPort", port}, operation{"add", at + "/hostPort", port})
		}
	}
	// A value, not a valueFrom, whatever the pod's author wrote: so the whole variable is replaced.
	env := corev1.EnvVar{Name: PortEnv, Value: strconv.Itoa(port)}
	found := false
	for j, e := range c.Env {
		if e.Name == PortEnv {
			ops = append(ops, operation{"replace", path + "/env/" + strconv.Itoa(j), env})
			found = true
		}
	}
	switch {
	case found:
	case len(c.Env) == 0:
		ops = append(ops, operation{"add", path + "/env", []corev1.EnvVar{env}})
	default:
		// At the front, for later variables may refer to it as $(BATTLE_PORT).
		ops = append(ops, operation{"add", path + "/env/0", env})
	}
	return json.Marshal(ops)
}

// gameContainer finds the one container with the game's port. Two of them would fight for the pod's one port.
func gameContainer(pod *corev1.Pod) (int, error) {
	index := -1
	for i, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if !isGame(p) {
				continue
			}
			if index >= 0 {
				return 0, fmt.Errorf("containers %q and %q both have a UDP port named %q: a battle pod has one", pod.Spec.Containers[index].Name, c.Name, GamePort)
			}
			index = i
		}
	}
	if index < 0 {
		return 0, errors.New("no container has a UDP port named \"" + GamePort + "\": name it, or take the pod out of the webhook's objectSelector")
	}
	return index, nil
}

func isGame(p corev1.ContainerPort) bool {
	return p.Name == GamePort && p.Protocol == corev1.ProtocolUDP
}

// isHTTP takes a port without a protocol for TCP, as Kubernetes does.
func isHTTP(p corev1.ContainerPort) bool {
	return p.Name == HTTPPort && (p.Protocol == corev1.ProtocolTCP || p.Protocol == "")
}

// hostPorts lists the distinct host ports of a pod.
func hostPorts(pod *corev1.Pod) []int {
	var ports []int
	seen := map[int32]bool{}
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.HostPort != 0 && !seen[p.HostPort] {
				seen[p.HostPort] = true
				ports = append(ports, int(p.HostPort))
			}
		}
	}
	return ports
}
