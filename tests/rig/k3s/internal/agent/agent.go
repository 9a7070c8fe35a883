// Package agent is one node of the cluster: containerd as a child process, and kubelet, kube-proxy and the pod network in this
// one.
package agent

import (
	"context"
	"errors"
	"fmt"
	"os"

	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/group"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/pki"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/systemd"
)

// Node is this host as a node of the cluster.
type Node struct {
	cfg     *config.Config
	cgroups cgroupSetup
	runtime *containerd
	// ready is closed when containerd serves and the images that the node brings along are there.
	ready chan struct{}

	network                    config.Network
	clientCA                   string
	serving                    pki.Pair
	kubeletConf, kubeProxyConf string
}

// Run joins the server and runs the node until ctx is done or a component fails.
func Run(ctx context.Context, cfg *config.Config) error {
	notifier := systemd.TakeNotifier()
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	if cfg.ServerURL == "" {
		return errors.New("--server is required")
	}
	if cfg.Token == "" {
		return errors.New("--token is required")
	}
	klog.InfoS("Starting the K3s stand-in's agent", "version", config.Version, "node", cfg.NodeName, "server", cfg.ServerURL)
	node, err := Prepare(cfg)
	if err != nil {
		return err
	}
	if err := node.Join(ctx, cfg.ServerURL, cfg.Token); err != nil {
		return err
	}
	components := group.New(ctx)
	node.StartRuntime(components)
	node.StartNode(components)
	components.Go("registration", func(ctx context.Context) error {
		if err := node.awaitRegistration(ctx); err != nil {
			return err
		}
		klog.InfoS("The K3s stand-in's agent is up and running")
		notifier.Ready()
		<-ctx.Done()
		return ctx.Err()
	})
	return errors.Join(components.Wait(), node.StopRuntime())
}

// Prepare makes the host fit to be a node.
func Prepare(cfg *config.Config) (*Node, error) {
	for _, dir := range []string{cfg.Dir("agent"), cfg.Dir("agent", "etc"), cfg.Dir("agent", "images"), cfg.Dir("agent", "pod-manifests"), config.ContainerdState} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make agent folder: %w", err)
		}
	}
	if err := keepBefore(cfg.Dir("agent", "before")); err != nil {
		return nil, err
	}
	setSysctls()
	cgroups, err := detectCgroups()
	if err != nil {
		return nil, err
	}
	return &Node{cfg: cfg, cgroups: cgroups, runtime: newContainerd(cfg, cgroups), ready: make(chan struct{})}, nil
}

// StartRuntime starts containerd and brings in the node's images.
func (n *Node) StartRuntime(components *group.Group) {
	components.Go("containerd", n.runtime.run)
	components.Go("images", func(ctx context.Context) error {
		if err := n.runtime.await(ctx); err != nil {
			return err
		}
		images := &images{dir: n.cfg.Dir("agent", "images"), seen: map[string]stamp{}}
		if err := images.importNew(ctx); err != nil {
			klog.ErrorS(err, "Cannot import all images")
		}
		close(n.ready)
		return images.watch(ctx)
	})
}

// StopRuntime waits until containerd has ended; its containers run on.
func (n *Node) StopRuntime() error { return n.runtime.wait() }

// StartNode starts what needs the server: Join comes first.
func (n *Node) StartNode(components *group.Group) {
	components.Go("kubelet", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ready:
		}
		return n.runKubelet(ctx)
	})
	components.Go("kube-proxy", n.runKubeProxy)
	components.Go("pod network", n.runNetwork)
	components.Go("external addresses", n.announceExternal)
}
