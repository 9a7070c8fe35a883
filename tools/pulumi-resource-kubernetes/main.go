// Command pulumi-resource-kubernetes is the official Pulumi Kubernetes provider, built from its published Go module.
//
// The module's own main embeds two files that only its release build makes. This one embeds the files that they are made from. They
// stay in the module: `go build -overlay` puts them here for the time of the build, see internal/toolchain.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// version is that of the release whose schema, and SDK, the module holds.
const version = "4.18.1"

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() { provider.Serve("kubernetes", version, schema, terraformMapping) }
