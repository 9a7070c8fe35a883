// Command k3s is a stand-in for K3s v1.30.4+k3s1, for machines that cannot download K3s itself.
//
// It is what K3s is made of (upstream Kubernetes 1.30.4 and kine on SQLite in one process, beside the host's containerd, runc and
// CNI plugins) behind the part of K3s's command line, paths and behavior that edge-arena uses. Everything that a user sees of it
// says "stand-in".
//
// Build (cgo, for SQLite):
//
//	CGO_ENABLED=1 go build -o k3s -ldflags "-s -w \
//	  -X k8s.io/component-base/version.gitVersion=v1.30.4+k3s1 \
//	  -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=30 \
//	  -X k8s.io/client-go/pkg/version.gitVersion=v1.30.4+k3s1" .
//
// The package tests/rig/standin does this, and builds the images that go with it (tests/rig/coredns, tests/rig/pause).
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/urfave/cli"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "kubectl":
		kubectl(os.Args[1:])
	case "ctr", "crictl":
		hostTool(name, os.Args[1:])
	default:
		// A Kubernetes tool's own flags are not ours to parse.
		if len(os.Args) > 1 {
			switch os.Args[1] {
			case "kubectl":
				kubectl(os.Args[2:])
			case "ctr", "crictl":
				hostTool(os.Args[1], os.Args[2:])
			}
		}
		if err := newApp().Run(withConfigFile(os.Args)); err != nil {
			fmt.Fprintf(os.Stderr, "level=fatal msg=%q\n", err.Error())
			os.Exit(1)
		}
	}
}

func newApp() *cli.App {
	app := cli.NewApp()
	app.Name = "k3s"
	app.Usage = "stand-in for K3s: Kubernetes, kine and containerd, small and simple"
	app.Version = config.Version
	app.Commands = []cli.Command{
		serverCommand(),
		agentCommand(),
		{Name: "kubectl", Usage: "Run kubectl", SkipFlagParsing: true},
		{Name: "ctr", Usage: "Run the host's ctr against K3s's containerd", SkipFlagParsing: true},
		{Name: "crictl", Usage: "Run the host's crictl against K3s's containerd", SkipFlagParsing: true},
	}
	app.Action = func(c *cli.Context) error {
		if c.NArg() > 0 {
			return fmt.Errorf("no such command %q (stand-in)", c.Args().First())
		}
		return cli.ShowAppHelp(c)
	}
	cli.VersionPrinter = func(c *cli.Context) {
		fmt.Printf("k3s version %s (stand-in)\ngo version %s\n", c.App.Version, runtime.Version())
	}
	return app
}
