package agent

import (
	"strings"
	"testing"
)

func TestRenderContainerd(t *testing.T) {
	t.Parallel()
	values := containerdConfig{PauseImage: "pause:1", CNIConf: "/cni", SystemdCgroup: true}
	for name, c := range map[string]struct {
		custom   string
		contains []string
		err      string
	}{
		"base alone": {contains: []string{`sandbox_image = "pause:1"`, `conf_dir = "/cni"`, "SystemdCgroup = true", "version = 2"}},
		"extended": {
			custom:   "{{ template \"base\" . }}\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.wasmedge]\n  runtime_type = \"io.containerd.runc.v2\"\n",
			contains: []string{`sandbox_image = "pause:1"`, "runtimes.runc]", "runtimes.wasmedge]"},
		},
		"replaced":      {custom: "# nothing for {{ .PauseImage }}\n", contains: []string{"# nothing for pause:1"}},
		"broken":        {custom: "{{ template", err: "containerd template"},
		"unknown value": {custom: "{{ .Nothing }}", err: "Nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := renderContainerd(c.custom, values)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.contains {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in:\n%s", want, got)
				}
			}
		})
	}
}
