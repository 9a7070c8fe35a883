package main

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	sdklocal "github.com/pulumi/pulumi-command/sdk/go/command/local"
	sdkremote "github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/stretchr/testify/require"
)

// TestSchemaIsThatOfTheSDK holds the schema against the official SDK, which is generated from the official schema.
func TestSchemaIsThatOfTheSDK(t *testing.T) {
	t.Parallel()
	spec := newPlugin(t).Schema()
	require.Equal(t, "command", spec.Name)
	require.Equal(t, "1.1.0", spec.Version)

	resources := map[string]struct{ inputs, outputs reflect.Type }{
		"command:local:Command":       {sdklocal.CommandArgs{}.ElementType(), reflect.TypeFor[sdklocal.Command]()},
		"command:remote:Command":      {sdkremote.CommandArgs{}.ElementType(), reflect.TypeFor[sdkremote.Command]()},
		"command:remote:CopyToRemote": {sdkremote.CopyToRemoteArgs{}.ElementType(), reflect.TypeFor[sdkremote.CopyToRemote]()},
	}
	require.Len(t, spec.Resources, len(resources))
	for token, sdk := range resources {
		resource := spec.Resources[token]
		require.Equal(t, fields(sdk.inputs), keys(resource.InputProperties), token)
		outputs := keys(resource.Properties)
		if token == "command:local:Command" {
			outputs = append(outputs, "archive", "assets")
			slices.Sort(outputs)
		}
		require.Equal(t, fields(sdk.outputs), outputs, token)
		require.True(t, resource.InputProperties["triggers"].ReplaceOnChanges, token)
	}

	types := map[string]reflect.Type{
		"command:remote:Connection":      reflect.TypeFor[sdkremote.Connection](),
		"command:remote:ProxyConnection": reflect.TypeFor[sdkremote.ProxyConnection](),
	}
	for token, sdk := range types {
		require.Equal(t, fields(sdk), keys(spec.Types[token].Properties), token)
		for _, property := range []string{"password", "privateKey", "privateKeyPassword"} {
			require.True(t, spec.Types[token].Properties[property].Secret, property)
		}
		require.Equal(t, []any{float64(22), "root", float64(10), float64(15)}, []any{
			spec.Types[token].Properties["port"].Default, spec.Types[token].Properties["user"].Default,
			spec.Types[token].Properties["dialErrorLimit"].Default, spec.Types[token].Properties["perDialTimeout"].Default,
		}, token)
	}
	require.True(t, spec.Resources["command:remote:Command"].InputProperties["connection"].Secret)
}

// TestCheckConfigKeepsOutOfTheEnginesWay: the engine warns at each update of a provider that uses its keys.
func TestCheckConfigKeepsOutOfTheEnginesWay(t *testing.T) {
	t.Parallel()
	config := props(map[string]any{"version": version})
	require.Equal(t, config, newPlugin(t).CheckConfig(config))
}

// fields lists the properties of an SDK's struct.
func fields(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("pulumi"); tag != "" {
			name, _, _ := strings.Cut(tag, ",")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func keys(m map[string]schema.PropertySpec) []string { return slices.Sorted(maps.Keys(m)) }
