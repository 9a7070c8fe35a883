package k3s

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
)

// kubeconfig is the one that K3s wrote, with the address at which the operator reaches it.
func (b *builder) kubeconfig(first *remote.Command, node config.Node) pulumi.StringOutput {
	server := "https://" + net.JoinHostPort(node.Endpoint.Address, strconv.Itoa(apiPort))
	text := secretField(first, "kubeconfig").ApplyT(func(encoded string) (string, error) {
		content, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return "", fmt.Errorf("kubeconfig of %s: %w", node.Name, err)
		}
		return strings.ReplaceAll(string(content), fmt.Sprintf("https://127.0.0.1:%d", apiPort), server), nil
	}).(pulumi.StringOutput)
	return pulumi.ToSecret(text).(pulumi.StringOutput)
}

// secretField is one value of the report of a node's installer.
func secretField(cmd *remote.Command, key string) pulumi.StringOutput {
	value := cmd.Stdout.ApplyT(func(stdout string) (string, error) {
		if stdout == "" {
			// The engine leaves the city alone, and the installer has never run.
			return "", nil
		}
		var report map[string]string
		if err := json.Unmarshal([]byte(stdout), &report); err != nil {
			return "", errors.New("the installer's report is not JSON: does the login shell of the node print something of its own?")
		}
		return report[key], nil
	}).(pulumi.StringOutput)
	return pulumi.ToSecret(value).(pulumi.StringOutput)
}

// field is a value that is not secret, though the report around it is.
func field(cmd *remote.Command, key string) pulumi.StringOutput {
	return pulumi.Unsecret(secretField(cmd, key)).(pulumi.StringOutput)
}
