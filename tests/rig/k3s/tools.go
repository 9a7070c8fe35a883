package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"k8s.io/component-base/cli"
	kubectlcmd "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// kubectl runs the kubectl that is linked in, against this node's cluster unless KUBECONFIG says otherwise.
func kubectl(args []string) {
	if os.Getenv("KUBECONFIG") == "" {
		if _, err := os.Stat(config.DefaultKubeconfig); err == nil {
			must(os.Setenv("KUBECONFIG", config.DefaultKubeconfig))
		}
	}
	os.Args = append([]string{"kubectl"}, args...)
	if err := cli.RunNoErrOutput(kubectlcmd.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
	}
	os.Exit(0)
}

// hostTool replaces this process by the host's ctr or crictl, pointed at K3s's containerd.
func hostTool(name string, args []string) {
	path, err := exec.LookPath("/usr/bin/" + name)
	if err != nil {
		fmt.Fprintf(os.Stderr, "k3s %s: the stand-in uses the host's /usr/bin/%s, and there is none\n", name, name)
		os.Exit(1)
	}
	env := map[string]string{
		"CONTAINERD_ADDRESS":         config.ContainerdSocket,
		"CONTAINERD_NAMESPACE":       "k8s.io",
		"CONTAINER_RUNTIME_ENDPOINT": "unix://" + config.ContainerdSocket,
		"IMAGE_SERVICE_ENDPOINT":     "unix://" + config.ContainerdSocket,
	}
	for key, value := range env {
		if os.Getenv(key) == "" {
			must(os.Setenv(key, value))
		}
	}
	must(syscall.Exec(path, append([]string{name}, args...), os.Environ()))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "k3s:", err)
		os.Exit(1)
	}
}
