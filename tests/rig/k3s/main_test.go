package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// parse runs the command line with a server that only keeps its configuration.
func parse(t *testing.T, args ...string) (*config.Config, error) {
	t.Helper()
	var got *config.Config
	app := newApp()
	app.Writer, app.ErrWriter = &strings.Builder{}, &strings.Builder{}
	for i := range app.Commands {
		switch app.Commands[i].Name {
		case "server":
			app.Commands[i].Action = func(c *cli.Context) (err error) { got, err = serverConfig(c); return err }
		case "agent":
			app.Commands[i].Action = func(c *cli.Context) (err error) { got, err = agentConfig(c); return err }
		}
	}
	err := app.Run(append([]string{"k3s"}, args...))
	return got, err
}

func TestFlags(t *testing.T) {
	t.Parallel()
	node := []string{"--node-ip", "10.0.0.5", "--node-name", "City-1"}
	for name, c := range map[string]struct {
		args []string
		err  string
		ok   func(*config.Config) bool
	}{
		"defaults": {args: []string{"server"}, ok: func(c *config.Config) bool {
			n := c.Server.Network
			return c.NodeName == "city-1" && n.ClusterDNS == "10.43.0.10" && n.APIServiceIP() == "10.43.0.1" &&
				c.Server.AdvertiseAddress == "10.0.0.5" && c.DataDir == "/var/lib/rancher/k3s"
		}},
		"disable is repeated and split": {args: []string{"server", "--disable", "traefik,servicelb", "--disable=coredns"}, ok: func(c *config.Config) bool {
			return slices.Equal(c.Server.Disable, []string{"traefik", "servicelb", "coredns"})
		}},
		"kubeconfig mode": {args: []string{"server", "--write-kubeconfig-mode", "644"}, ok: func(c *config.Config) bool {
			mode, err := c.Server.Mode()
			return err == nil && mode == 0o644
		}},
		"arguments of components keep their commas": {args: []string{"server", "--kubelet-arg", "max-pods=500", "--kubelet-arg=eviction-hard=a<1,b<2"}, ok: func(c *config.Config) bool {
			return slices.Equal(c.KubeletArgs, []string{"max-pods=500", "eviction-hard=a<1,b<2"})
		}},
		"agent":               {args: []string{"agent", "--server", "https://a:6443", "--token", "x"}, ok: func(c *config.Config) bool { return c.ServerURL == "https://a:6443" && c.Token == "x" }},
		"unknown flag":        {args: []string{"server", "--wasm"}, err: "flag provided but not defined: -wasm"},
		"flag of the server":  {args: []string{"agent", "--disable", "coredns"}, err: "flag provided but not defined: -disable"},
		"no such command":     {args: []string{"serve"}, err: `no such command "serve"`},
		"bad mode":            {args: []string{"server", "--write-kubeconfig-mode", "rw"}, err: `write-kubeconfig-mode "rw"`},
		"other pod network":   {args: []string{"server", "--flannel-backend", "vxlan"}, err: "the stand-in implements host-gw alone"},
		"several servers":     {args: []string{"server", "--cluster-init"}, err: "one server per cluster"},
		"a further server":    {args: []string{"server", "--server", "https://a:6443"}, err: "one server per cluster"},
		"bad address":         {args: []string{"server", "--node-ip", "here"}, err: `"here" is not an IPv4 address`},
		"missing token file":  {args: []string{"agent", "--token-file", "/nowhere"}, err: "read token"},
		"unexpected argument": {args: []string{"server", "now"}, err: `unexpected argument "now"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := c.args
			if args[0] != "serve" && !slices.Contains(args, "--node-ip") && args[len(args)-1] != "now" {
				args = append(slices.Clone(args), node...)
			}
			got, err := parse(t, args...)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !c.ok(got) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestConfigFileComesBeforeFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "write-kubeconfig-mode: \"0644\"\ndisable: [traefik, servicelb]\nhttps-listen-port: 7443\nunknown: 1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := withConfigFile([]string{"k3s", "server", "--config", file, "--https-listen-port", "8443"})
	want := []string{"k3s", "server", "--disable=traefik", "--disable=servicelb", "--https-listen-port=7443", "--write-kubeconfig-mode=0644",
		"--config", file, "--https-listen-port", "8443"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	cfg, err := parse(t, append(got[1:], "--node-ip", "10.0.0.5")...)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Server.Port != 8443 || cfg.Server.KubeconfigMode != "0644" || len(cfg.Server.Disable) != 2 {
		t.Errorf("got %+v", cfg.Server)
	}
}
