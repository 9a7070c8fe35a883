// Package portalloc is the city's admission webhook that gives every battle pod a port of its own.
//
// A battle pod uses its node's network, so that players reach it with no NAT in between; two pods of a node must then not
// listen on the same port, and each must know its own before it starts. The webhook decides it when the pod is created: it
// knows the ports in use from a watch of the pods, and the ports it has just given away from its own reservations.
package portalloc

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// Config is what the service is told by its flags.
type Config struct {
	// First and Last bound the ports to give, both inclusive. Required.
	First, Last int
	// Namespace holds the battle pods and this service. Required.
	Namespace string
	// Webhook names the MutatingWebhookConfiguration that calls this service. Required.
	Webhook string
	// Service names the Service in front of this one. Default is "port-allocator".
	Service string
	// Listen is the webhook's HTTPS address. Default is ":8443".
	Listen string
	// Health is the HTTP address of /healthz, /readyz and /metrics. Default is ":8080".
	Health string
	// Reserve is how long a port is kept for an admitted pod that has not appeared. Default is 1 minute: the API server's own
	// limit for one request, so that no pod can be created later than that.
	Reserve time.Duration
	// Recheck is how often the webhook configuration's CA bundle is looked at. Default is 5 s.
	Recheck time.Duration
	// Kubeconfig is the path of a kubeconfig. Default is the pod's service account.
	Kubeconfig string
}

// ParseFlags reads the command line (without the program's name); usage and errors of syntax are printed to output.
func ParseFlags(args []string, output io.Writer) (Config, error) {
	var c Config
	f := flag.NewFlagSet("port-allocator", flag.ContinueOnError)
	f.SetOutput(output)
	f.IntVar(&c.First, "first", 0, "first `port` of the range (required)")
	f.IntVar(&c.Last, "last", 0, "last `port` of the range (required)")
	f.StringVar(&c.Namespace, "namespace", "", "namespace of the battle pods and of this service (required)")
	f.StringVar(&c.Webhook, "webhook", "", "`name` of the MutatingWebhookConfiguration that calls this service (required)")
	f.StringVar(&c.Service, "service", "port-allocator", "`name` of the Service in front of this pod")
	f.StringVar(&c.Listen, "listen", ":8443", "`address` of the webhook, HTTPS")
	f.StringVar(&c.Health, "health", ":8080", "`address` of /healthz, /readyz and /metrics, HTTP")
	f.DurationVar(&c.Reserve, "reserve", time.Minute, "how long a port is kept for an admitted pod that has not appeared yet")
	f.DurationVar(&c.Recheck, "recheck", 5*time.Second, "how often the webhook configuration's CA bundle is looked at")
	f.StringVar(&c.Kubeconfig, "kubeconfig", "", "`path` of a kubeconfig; the pod's service account when empty")
	if err := f.Parse(args); err != nil {
		return Config{}, err
	}
	if f.NArg() > 0 {
		return Config{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return c, c.validate()
}

// validate reports every problem at once.
func (c Config) validate() error {
	var errs []error
	if c.First < 1024 || c.Last > 65535 || c.First > c.Last {
		errs = append(errs, fmt.Errorf("-first %d -last %d: want 1024 <= first <= last <= 65535", c.First, c.Last))
	}
	for _, required := range []struct{ flag, value string }{
		{"-namespace", c.Namespace}, {"-webhook", c.Webhook}, {"-service", c.Service},
	} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("%s: required", required.flag))
		}
	}
	for _, positive := range []struct {
		flag  string
		value time.Duration
	}{{"-reserve", c.Reserve}, {"-recheck", c.Recheck}} {
		if positive.value <= 0 {
			errs = append(errs, fmt.Errorf("%s %s: want more than zero", positive.flag, positive.value))
		}
	}
	return errors.Join(errs...)
}
