// Package plugintest talks to a provider as the engine does: over its protocol, with an engine on the other side that keeps what
// is logged.
package plugintest

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	pprovider "github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Plugin is a provider under test.
type Plugin struct {
	t      *testing.T
	server rpc.ResourceProviderServer
	engine *engine
}

// New connects the provider that newServer makes to an engine of its own.
func New(t *testing.T, newServer func(*pprovider.HostClient) (rpc.ResourceProviderServer, error)) *Plugin {
	t.Helper()
	e := &engine{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	rpc.RegisterEngineServer(server, e)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	host, err := pprovider.NewHostClient(listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Close() })
	provided, err := newServer(host)
	require.NoError(t, err)
	return &Plugin{t: t, server: provided, engine: e}
}

// Logs is everything that has been logged, a line for each message.
func (p *Plugin) Logs() string {
	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	return strings.Join(p.engine.logs, "\n")
}

// Schema is what the provider says of itself.
func (p *Plugin) Schema() schema.PackageSpec {
	p.t.Helper()
	resp, err := p.server.GetSchema(p.t.Context(), &rpc.GetSchemaRequest{})
	require.NoError(p.t, err)
	var spec schema.PackageSpec
	require.NoError(p.t, json.Unmarshal([]byte(resp.Schema), &spec))
	return spec
}

// CheckConfig has the provider's own config checked.
func (p *Plugin) CheckConfig(config resource.PropertyMap) resource.PropertyMap {
	p.t.Helper()
	r := p.Resource("pulumi:providers:command", "default")
	resp, err := p.server.CheckConfig(p.t.Context(), &rpc.CheckRequest{Urn: r.urn, News: r.marshal(config)})
	require.NoError(p.t, err)
	require.Empty(p.t, resp.Failures)
	return r.unmarshal(resp.Inputs)
}

// Resource is one resource of the provider, in the state that the engine would keep.
type Resource struct {
	plugin *Plugin
	urn    string
	ID     string
	Inputs resource.PropertyMap
	State  resource.PropertyMap
}

// Resource returns a resource that has not been created.
func (p *Plugin) Resource(token, name string) *Resource {
	return &Resource{plugin: p, urn: "urn:pulumi:test::test::" + token + "::" + name}
}

// Check has the inputs checked and returns the reasons why they are refused.
func (r *Resource) Check(inputs resource.PropertyMap) []string {
	r.plugin.t.Helper()
	resp, err := r.plugin.server.Check(r.plugin.t.Context(), &rpc.CheckRequest{Urn: r.urn, News: r.marshal(inputs)})
	require.NoError(r.plugin.t, err)
	r.Inputs = r.unmarshal(resp.Inputs)
	var reasons []string
	for _, f := range resp.Failures {
		reasons = append(reasons, f.Property+": "+f.Reason)
	}
	return reasons
}

// Create checks the inputs and creates the resource with them.
func (r *Resource) Create(ctx context.Context, inputs resource.PropertyMap, preview bool) error {
	r.plugin.t.Helper()
	require.Empty(r.plugin.t, r.Check(inputs))
	resp, err := r.plugin.server.Create(ctx, &rpc.CreateRequest{Urn: r.urn, Properties: r.marshal(r.Inputs), Preview: preview})
	if err != nil {
		return err
	}
	r.ID, r.State = resp.Id, r.unmarshal(resp.Properties)
	return nil
}

// Diff returns the properties that the inputs would change, and those of them that would replace the resource.
func (r *Resource) Diff(inputs resource.PropertyMap) (changes, replaces []string) {
	r.plugin.t.Helper()
	before := r.Inputs
	require.Empty(r.plugin.t, r.Check(inputs))
	resp, err := r.plugin.server.Diff(r.plugin.t.Context(), &rpc.DiffRequest{
		Id: r.ID, Urn: r.urn, Olds: r.marshal(r.State), News: r.marshal(r.Inputs), OldInputs: r.marshal(before),
	})
	require.NoError(r.plugin.t, err)
	r.Inputs = before
	return resp.Diffs, resp.Replaces
}

// Update checks the inputs and updates the resource to them.
func (r *Resource) Update(ctx context.Context, inputs resource.PropertyMap, preview bool) error {
	r.plugin.t.Helper()
	require.Empty(r.plugin.t, r.Check(inputs))
	resp, err := r.plugin.server.Update(ctx, &rpc.UpdateRequest{
		Id: r.ID, Urn: r.urn, Olds: r.marshal(r.State), News: r.marshal(r.Inputs), Preview: preview,
	})
	if err != nil {
		return err
	}
	r.State = r.unmarshal(resp.Properties)
	return nil
}

// Delete deletes the resource.
func (r *Resource) Delete(ctx context.Context) error {
	_, err := r.plugin.server.Delete(ctx, &rpc.DeleteRequest{Id: r.ID, Urn: r.urn, Properties: r.marshal(r.State)})
	return err
}

// Cancel does what an interrupted update does.
func (p *Plugin) Cancel() {
	p.t.Helper()
	_, err := p.server.Cancel(context.Background(), &emptypb.Empty{})
	require.NoError(p.t, err)
}

var options = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, SkipNulls: true, KeepResources: true}

func (r *Resource) marshal(m resource.PropertyMap) *structpb.Struct {
	r.plugin.t.Helper()
	s, err := plugin.MarshalProperties(m, options)
	require.NoError(r.plugin.t, err)
	return s
}

func (r *Resource) unmarshal(s *structpb.Struct) resource.PropertyMap {
	r.plugin.t.Helper()
	m, err := plugin.UnmarshalProperties(s, options)
	require.NoError(r.plugin.t, err)
	return m
}

// engine keeps what is logged.
type engine struct {
	rpc.UnimplementedEngineServer
	mu   sync.Mutex
	logs []string
}

// Log keeps one message.
func (e *engine) Log(_ context.Context, req *rpc.LogRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logs = append(e.logs, req.Message)
	return &emptypb.Empty{}, nil
}
