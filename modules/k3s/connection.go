package k3s

import (
	"time"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Connection is how Pulumi reaches a node.
func Connection(node config.Node) remote.ConnectionArgs {
	e := node.Endpoint
	return remote.ConnectionArgs{
		Host:           pulumi.String(e.Address),
		Port:           pulumi.Float64(float64(e.Port)),
		User:           pulumi.String(e.User),
		PrivateKey:     pulumi.ToSecret(pulumi.String(e.PrivateKey)).(pulumi.StringOutput),
		HostKey:        pulumi.String(e.HostKey),
		DialErrorLimit: pulumi.Int(e.DialAttempts),
		PerDialTimeout: pulumi.Int(int(e.DialTimeout / time.Second)),
	}
}
