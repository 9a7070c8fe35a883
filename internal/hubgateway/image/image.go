// Package image tells what makes the container image of the hub's gateway in this checkout.
package image

import "github.com/edge-arena/edge-arena/internal/goimage"

// Name is the image's name without tag or digest.
const Name = "registry.example.com/hub-gateway"

// Service is what the image is made from.
func Service() goimage.Service {
	return goimage.Service{
		Program: "hub-gateway", Title: "hub gateway", Name: Name, Sources: []string{"internal/daemon", "internal/hubgateway"}, MemoryLimit: "48MiB",
	}
}
