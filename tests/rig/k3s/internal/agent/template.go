package agent

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// baseTemplate is what config.toml.tmpl extends by {{ template "base" . }}. The plugins' paths are those of K3s 1.30.
const baseTemplate = `# Written by the K3s stand-in at each start. To change it, put config.toml.tmpl beside it.
version = 2

[plugins."io.containerd.internal.v1.opt"]
  path = {{ printf "%q" .Opt }}

[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "10010"
  enable_selinux = false
  enable_unprivileged_ports = {{ .UnprivilegedPorts }}
  enable_unprivileged_icmp = {{ .UnprivilegedPorts }}
  restrict_oom_score_adj = {{ .RestrictOOMScoreAdj }}
  sandbox_image = {{ printf "%q" .PauseImage }}

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  disable_snapshot_annotations = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = {{ printf "%q" .CNIBin }}
  conf_dir = {{ printf "%q" .CNIConf }}

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = {{ .SystemdCgroup }}

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = {{ printf "%q" .Registries }}
`

// containerdConfig are the values of the template.
type containerdConfig struct {
	Opt, PauseImage, CNIBin, CNIConf, Registries          string
	UnprivilegedPorts, RestrictOOMScoreAdj, SystemdCgroup bool
}

const cniBinaries = "/usr/lib/cni"

func containerdValues(cfg *config.Config, cgroups cgroupSetup) containerdConfig {
	return containerdConfig{
		Opt:                 cfg.Dir("agent", "containerd"),
		PauseImage:          cfg.PauseImage,
		CNIBin:              cniBinaries,
		CNIConf:             cfg.Dir("agent", "etc", "cni", "net.d"),
		Registries:          filepath.Join(cfg.Dir("agent", "etc", "containerd"), "certs.d"),
		UnprivilegedPorts:   true,
		RestrictOOMScoreAdj: !mayLowerOOMScore(),
		SystemdCgroup:       cgroups.driver == systemdDriver,
	}
}

// renderContainerd renders the custom template, or the base alone where there is none.
func renderContainerd(custom string, values containerdConfig) (string, error) {
	base, err := template.New("base").Option("missingkey=error").Parse(baseTemplate)
	if err != nil {
		return "", fmt.Errorf("containerd base template: %w", err)
	}
	t := base
	if custom != "" {
		if t, err = base.New("config.toml.tmpl").Parse(custom); err != nil {
			return "", fmt.Errorf("containerd template: %w", err)
		}
	}
	var text strings.Builder
	if err := t.Execute(&text, values); err != nil {
		return "", fmt.Errorf("containerd template: %w", err)
	}
	return text.String(), nil
}

// mayLowerOOMScore tells whether this process may give a child a lower OOM score than its own: that takes CAP_SYS_RESOURCE.
func mayLowerOOMScore() bool {
	const sysResource = 24
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return false
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if hex, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && mask&(1<<sysResource) != 0
		}
	}
	return false
}
