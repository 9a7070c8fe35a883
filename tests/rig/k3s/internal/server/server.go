// Package server is the control plane in one process: kine, kube-apiserver, kube-controller-manager, kube-scheduler and the
// deployment of manifests, and the server's own node.
package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/k3s-io/kine/pkg/endpoint"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/agent"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/deploy"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/group"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/systemd"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/token"
)

const startTimeout = 3 * time.Minute

// Run runs the server until ctx is done or a component fails.
func Run(ctx context.Context, cfg *config.Config) error {
	notifier := systemd.TakeNotifier()
	// Each component sets up logging for itself, all of them alike.
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	klog.InfoS("Starting the K3s stand-in's server", "version", config.Version, "node", cfg.NodeName)

	creds, err := loadCredentials(cfg)
	if err != nil {
		return err
	}
	admin, err := clientcmd.BuildConfigFromFlags("", creds.adminConf)
	if err != nil {
		return fmt.Errorf("load admin kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return fmt.Errorf("make admin client: %w", err)
	}
	passwords := nodePasswords{client}
	networks, err := newPodNetworks(cfg.Server.Network.ClusterCIDR, cfg.Server.ControllerArgs)
	if err != nil {
		return err
	}
	keeper := &nodeKeeper{cfg: cfg, client: client, passwords: passwords, networks: networks, given: map[string]string{}}

	// The node's container runtime and images need no control plane: they start beside it.
	node, err := agent.Prepare(cfg)
	if err != nil {
		return err
	}
	components := group.New(ctx)
	node.StartRuntime(components)

	etcd, err := listenKine(ctx, cfg)
	if err != nil {
		return err
	}
	join := &joinAPI{creds: creds, passwords: passwords}
	components.Go("kube-apiserver", func(ctx context.Context) error {
		return runAPIServer(ctx, apiserverArgs(creds, etcd), join.wrap)
	})
	components.Go("control plane", func(ctx context.Context) error {
		if err := awaitAPI(ctx, client); err != nil {
			return err
		}
		if err := creds.writeAdminKubeconfig(); err != nil {
			return err
		}
		components.Go("kube-controller-manager", func(ctx context.Context) error { return runControllerManager(ctx, controllerArgs(creds)) })
		components.Go("kube-scheduler", func(ctx context.Context) error { return runScheduler(ctx, schedulerArgs(creds)) })
		components.Go("manifests", func(ctx context.Context) error { return runManifests(ctx, cfg, admin) })
		components.Go("nodes", keeper.run)
		if err := node.Join(ctx, creds.localURL(), token.Format(creds.serverCA.PEM, creds.secret)); err != nil {
			return err
		}
		node.StartNode(components)
		klog.InfoS("The K3s stand-in's server is up and running")
		notifier.Ready()
		<-ctx.Done()
		return ctx.Err()
	})
	return errors.Join(components.Wait(), node.StopRuntime())
}

func listenKine(ctx context.Context, cfg *config.Config) (string, error) {
	etcd, err := endpoint.Listen(ctx, endpoint.Config{
		Listener: "unix://" + cfg.Dir("server", "kine.sock"),
		Endpoint: "sqlite://" + cfg.Dir("server", "db", "state.db") + "?_journal=WAL&cache=shared&_busy_timeout=30000",
		// How often watchers are told of progress: as kine does by itself.
		NotifyInterval: 5 * time.Second,
	})
	if err != nil {
		return "", fmt.Errorf("start kine: %w", err)
	}
	return etcd.Endpoints[0], nil
}

// awaitAPI waits until the Kubernetes API is ready.
func awaitAPI(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var last error
	for {
		status := 0
		last = client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status).Error()
		if last == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the Kubernetes API is not ready: %w", errors.Join(ctx.Err(), last))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func runManifests(ctx context.Context, cfg *config.Config, admin *rest.Config) error {
	dir := cfg.Dir("server", "manifests")
	if err := deploy.WritePackaged(dir, cfg.Server.Network, cfg.Server.Disable); err != nil {
		return err
	}
	d, err := deploy.New(admin, dir, "deploy@"+cfg.NodeName, cfg.Server.Disable)
	if err != nil {
		return err
	}
	return d.Run(ctx)
}
