package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("kind: List"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManifests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "b.yaml", "a.json", "sub/c.yml", "skipped.yaml", "skipped.yaml.skip", "note.txt")
	got, err := manifests(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names, skipped []string
	for _, m := range got {
		names = append(names, m.name)
		if m.skipped {
			skipped = append(skipped, m.name)
		}
	}
	if want := []string{"a", "b", "skipped", "sub/c"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if want := []string{"skipped"}; !slices.Equal(skipped, want) {
		t.Errorf("skipped: got %q, want %q", skipped, want)
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		manifest string
		disabled []string
		want     bool
	}{
		"by name":         {"coredns", []string{"traefik", "coredns"}, true},
		"by folder":       {"metrics-server/role", []string{"metrics-server"}, true},
		"in a folder":     {"mine/coredns", []string{"coredns"}, true},
		"another":         {"coredns", []string{"core"}, false},
		"nothing":         {"coredns", nil, false},
		"a longer folder": {"metrics-server-2/role", []string{"metrics-server"}, false},
	} {
		if got := (manifest{name: c.manifest}).isOneOf(c.disabled); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestPackaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	network := config.Network{ClusterDNS: "10.43.0.10", Domain: "cluster.local"}
	if err := WritePackaged(dir, network, []string{"runtimes"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "runtimes.yaml")); !os.IsNotExist(err) {
		t.Errorf("a disabled component was written: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "coredns.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, o := range objects {
		kinds = append(kinds, o.GetKind())
	}
	if want := []string{"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "ConfigMap", "Deployment", "Service"}; !slices.Equal(kinds, want) {
		t.Errorf("got %q, want %q", kinds, want)
	}
	if !strings.Contains(string(data), "clusterIP: 10.43.0.10") || !strings.Contains(string(data), "kubernetes cluster.local") {
		t.Errorf("the network is missing in:\n%s", data)
	}
}

func TestRuntimeClassesOfK3s(t *testing.T) {
	t.Parallel()
	data, err := packaged.ReadFile("packaged/runtimes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range objects {
		if handler := o.Object["handler"]; handler != o.GetName() {
			t.Errorf("%s: handler %v", o.GetName(), handler)
		}
		names = append(names, o.GetName())
	}
	want := []string{"nvidia", "nvidia-experimental", "crun", "lunatic", "slight", "spin", "wws", "wasmtime", "wasmedge", "wasmer"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want int
		err  string
	}{
		"documents": {in: "---\n---\napiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n", want: 2},
		"JSON":      {in: `{"apiVersion":"v1","kind":"A"}`, want: 1},
		"list":      {in: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: B}\n", want: 2},
		"empty":     {in: "# nothing\n"},
		"no kind":   {in: "apiVersion: v1\n", err: "without apiVersion or kind"},
		"broken":    {in: "a: b: c\n", err: "parse manifest"},
	} {
		got, err := parse([]byte(c.in))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got error %v, want one with %q", name, err, c.err)
			}
			continue
		}
		if err != nil || len(got) != c.want {
			t.Errorf("%s: got %d objects, %v, want %d", name, len(got), err, c.want)
		}
	}
}
