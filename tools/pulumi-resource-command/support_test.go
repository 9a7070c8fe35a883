package main

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/plugintest"
	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/sshtest"
)

func newPlugin(t *testing.T) *plugintest.Plugin {
	t.Helper()
	return plugintest.New(t, newServer)
}

// props makes a property map of Go values.
func props(m map[string]any) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }

// connection is how to reach a server by its key, as the SDK sends it: secret as a whole. The changes are made to it first.
func connection(s *sshtest.Server, changes map[string]any) resource.PropertyValue {
	m := map[string]any{
		"host": s.Host, "port": float64(s.Port), "user": "tester", "privateKey": s.ClientKey, "hostKey": s.HostKey,
		"dialErrorLimit": float64(0),
	}
	for key, value := range changes {
		if value == nil {
			delete(m, key)
		} else {
			m[key] = value
		}
	}
	return resource.MakeSecret(resource.NewProperty(props(m)))
}

// remoteInputs are the inputs of a remote command.
func remoteInputs(s *sshtest.Server, inputs map[string]any) resource.PropertyMap {
	m := props(inputs)
	if _, ok := m["connection"]; !ok {
		m["connection"] = connection(s, nil)
	}
	return m
}

// plain is the value of a property without its mark of secrecy.
func plain(v resource.PropertyValue) any {
	if v.IsSecret() {
		v = v.SecretValue().Element
	}
	return v.V
}
