package coldstart

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// specFor turns the configuration of a pod's container into one of a container by itself: the same confinement, limits, user and
// environment, without the pod's files, namespaces and cgroup. It stays in the host's network, as battle pods do. env
// is the environment in it.
func specFor(podSpec []byte, k Kind, rootfs, cgroup string, port int) (config []byte, env []string, err error) {
	var spec map[string]any
	if err := json.Unmarshal(podSpec, &spec); err != nil {
		return nil, nil, fmt.Errorf("read OCI configuration: %w", err)
	}
	process, linux, mounts, err := parts(spec)
	if err != nil {
		return nil, nil, err
	}
	env = environment(process["env"], port)
	process["args"] = []string{k.Program}
	process["terminal"] = false
	process["env"] = env
	spec["root"] = map[string]any{"path": rootfs, "readonly": true}
	spec["annotations"] = k.Annotations
	spec["mounts"] = slices.DeleteFunc(mounts, func(m any) bool {
		mount, ok := m.(map[string]any)
		return ok && mount["type"] == "bind"
	})
	linux["cgroupsPath"] = cgroup
	// No network among them: the host's.
	var namespaces []map[string]string
	for _, kind := range []string{"pid", "ipc", "uts", "mount"} {
		namespaces = append(namespaces, map[string]string{"type": kind})
	}
	linux["namespaces"] = namespaces
	config, err = json.Marshal(spec)
	return config, env, err
}

func parts(spec map[string]any) (process, linux map[string]any, mounts []any, err error) {
	process, isProcess := spec["process"].(map[string]any)
	linux, isLinux := spec["linux"].(map[string]any)
	mounts, isMounts := spec["mounts"].([]any)
	if !isProcess || !isLinux || !isMounts {
		return nil, nil, nil, fmt.Errorf("OCI configuration: process, linux and mounts are required")
	}
	return process, linux, mounts, nil
}

func environment(old any, port int) []string {
	env := []string{"BATTLE_PORT=" + strconv.Itoa(port)}
	list, _ := old.([]any)
	for _, v := range list {
		s, ok := v.(string)
		name, _, _ := strings.Cut(s, "=")
		if ok && name != "BATTLE_PORT" {
			env = append(env, s)
		}
	}
	return env
}
