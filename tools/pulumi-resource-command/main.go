// Command pulumi-resource-command is a stand-in for Pulumi's command provider, for networks from which the official plugin cannot
// be downloaded and where, as no Go module holds it, it cannot be built either.
//
// It speaks for local.Command, remote.Command and remote.CopyToRemote as release 1.1.0 of the official plugin does: the same
// tokens, inputs, outputs and life cycle, so that a stack may change from one to the other. Where it differs it is stricter: what
// is secret never reaches a log or an error, a wrong host key ends the dialing, and a canceled update ends the remote command.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/middleware/schema"
	pprovider "github.com/pulumi/pulumi/pkg/v3/resource/provider"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/redact"
	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/local"
	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/remote"
)

const (
	name = "command"
	// version is that of the official release, for the SDK asks the engine for a plugin of just this version.
	version = "1.1.0"
)

func main() {
	go leaveWith(os.Getppid, 2*time.Second, 10*time.Second, func() { os.Exit(1) })
	if err := pprovider.MainContext(context.Background(), name, newServer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// leaveWith leaves some time after the process's parent has changed: an engine that was killed cannot stop its plugins. What it had under
// way ends with its connection, within the time that is given.
func leaveWith(parent func() int, every, grace time.Duration, leave func()) {
	engine := parent()
	for parent() == engine {
		time.Sleep(every)
	}
	time.Sleep(grace)
	leave()
}

// newServer returns the whole plugin for an engine.
func newServer(host *pprovider.HostClient) (rpc.ResourceProviderServer, error) {
	s, err := p.RawServer(name, version, provider())(host)
	return server{s}, err
}

// server is the framework's server without what today's engines warn of.
type server struct{ rpc.ResourceProviderServer }

// CheckConfig drops the framework's own note in the provider's config: the key belongs to the engine, which says so at each update.
func (s server) CheckConfig(ctx context.Context, req *rpc.CheckRequest) (*rpc.CheckResponse, error) {
	resp, err := s.ResourceProviderServer.CheckConfig(ctx, req)
	if err == nil {
		delete(resp.GetInputs().GetFields(), "__internal")
	}
	return resp, err
}

// provider is what the plugin can do.
func provider() p.Provider {
	return redact.Wrap(infer.Provider(infer.Options{
		Metadata: schema.Metadata{
			DisplayName: "Command",
			Description: "Runs commands and scripts, here or on remote hosts, as part of the resource model.",
			Keywords:    []string{"pulumi", "command"},
			License:     "Apache-2.0",
			Publisher:   "edge-arena",
		},
		Resources: []infer.InferredResource{
			infer.Resource(&local.Command{}),
			infer.Resource(&remote.Command{}),
			infer.Resource(&remote.CopyToRemote{}),
		},
	}))
}
