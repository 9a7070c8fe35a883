package server

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/flags"
)

// runAPIServer runs kube-apiserver as its own command does, with one more layer around its handler: wrap. The TLS listener, and
// with it the clients' certificates, is thus one and the same for nodes that join and for the Kubernetes API.
func runAPIServer(ctx context.Context, args []string, wrap func(http.Handler) http.Handler) error {
	opts := options.NewServerRunOptions()
	fs := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range opts.Flags().FlagSets {
		fs.AddFlagSet(set)
	}
	if err := fs.Parse(args); err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	completed, err := opts.Complete()
	if err != nil {
		return fmt.Errorf("complete options: %w", err)
	}
	if errs := completed.Validate(); len(errs) != 0 {
		return utilerrors.NewAggregate(errs)
	}
	config, err := app.NewConfig(completed)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	// The aggregator is the outermost of the chained servers: its handler chain sees each request first.
	config.Aggregator.GenericConfig.BuildHandlerChainFunc = func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		return wrap(genericapiserver.DefaultBuildHandlerChain(handler, c))
	}
	ready, err := config.Complete()
	if err != nil {
		return fmt.Errorf("complete configuration: %w", err)
	}
	chain, err := app.CreateServerChain(ready)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	prepared, err := chain.PrepareRun()
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	return prepared.Run(ctx.Done())
}

func apiserverArgs(c *credentials, etcd string) []string {
	s := c.cfg.Server
	return flags.Merge(map[string]string{
		"advertise-address":                  s.AdvertiseAddress,
		"allow-privileged":                   "true",
		"anonymous-auth":                     "false",
		"api-audiences":                      issuer(s.Network.Domain) + ",k3s",
		"authorization-mode":                 "Node,RBAC",
		"bind-address":                       s.BindAddress,
		"cert-dir":                           filepath.Join(c.dir, "temporary-certs"),
		"client-ca-file":                     c.file("client-ca.crt"),
		"enable-admission-plugins":           "NodeRestriction",
		"enable-aggregator-routing":          "true",
		"etcd-servers":                       etcd,
		"kubelet-certificate-authority":      c.file("server-ca.crt"),
		"kubelet-client-certificate":         c.apiserverKubelet.Cert,
		"kubelet-client-key":                 c.apiserverKubelet.Key,
		"kubelet-preferred-address-types":    "InternalIP,ExternalIP,Hostname",
		"profiling":                          "false",
		"proxy-client-cert-file":             c.proxy.Cert,
		"proxy-client-key-file":              c.proxy.Key,
		"requestheader-allowed-names":        "system:auth-proxy",
		"requestheader-client-ca-file":       c.file("request-header-ca.crt"),
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-username-headers":     "X-Remote-User",
		"secure-port":                        strconv.Itoa(s.Port),
		"service-account-issuer":             issuer(s.Network.Domain),
		"service-account-key-file":           c.file("service.key"),
		"service-account-signing-key-file":   c.file("service.key"),
		"service-cluster-ip-range":           s.Network.ServiceCIDR,
		"service-node-port-range":            s.NodePorts,
		"storage-backend":                    "etcd3",
		"tls-cert-file":                      c.tls.Cert,
		"tls-private-key-file":               c.tls.Key,
	}, s.APIServerArgs)
}

func issuer(domain string) string { return "https://kubernetes.default.svc." + domain }
