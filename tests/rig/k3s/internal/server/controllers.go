package server

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/flags"
)

func runControllerManager(ctx context.Context, args []string) error {
	cmd := controllers.NewControllerManagerCommand()
	cmd.SetArgs(args)
	return cmd.ExecuteContext(ctx)
}

// runScheduler runs the scheduler as its own command does, without that one's signal handler: a process has room for one.
func runScheduler(ctx context.Context, args []string) error {
	opts := scheduleroptions.NewOptions()
	fs := pflag.NewFlagSet("kube-scheduler", pflag.ContinueOnError)
	for _, set := range opts.Flags.FlagSets {
		fs.AddFlagSet(set)
	}
	if err := fs.Parse(args); err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	config, sched, err := scheduler.Setup(ctx, opts)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	return scheduler.Run(ctx, config, sched)
}

func controllerArgs(c *credentials) []string {
	s := c.cfg.Server
	return flags.Merge(map[string]string{
		"allocate-node-cidrs":              "false", // nodeKeeper does it.
		"authentication-kubeconfig":        c.controlConf,
		"authorization-kubeconfig":         c.controlConf,
		"bind-address":                     "127.0.0.1",
		"cluster-cidr":                     s.Network.ClusterCIDR,
		"cluster-signing-cert-file":        c.file("client-ca.crt"),
		"cluster-signing-key-file":         c.file("client-ca.key"),
		"controllers":                      "*,tokencleaner",
		"flex-volume-plugin-dir":           c.cfg.Dir("agent", "volume-plugins"),
		"kube-api-burst":                   "200", // Each controller asks for a token of its own: by default the start takes 12 s.
		"kube-api-qps":                     "100",
		"kubeconfig":                       c.controlConf,
		"leader-elect":                     "false",
		"profiling":                        "false",
		"root-ca-file":                     c.file("server-ca.crt"),
		"secure-port":                      "0", // Its metrics are in the apiserver's, as all in this process.
		"service-account-private-key-file": c.file("service.key"),
		"service-cluster-ip-range":         s.Network.ServiceCIDR,
		"use-service-account-credentials":  "true",
	}, s.ControllerArgs)
}

func schedulerArgs(c *credentials) []string {
	return flags.Merge(map[string]string{
		"authentication-kubeconfig": c.schedConf,
		"authorization-kubeconfig":  c.schedConf,
		"bind-address":              "127.0.0.1",
		"kubeconfig":                c.schedConf,
		"leader-elect":              "false",
		"profiling":                 "false",
		"secure-port":               "0",
	}, c.cfg.Server.KubeSchedulerArgs)
}
