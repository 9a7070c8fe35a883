// Package image tells what makes the container image of the port allocator in this checkout.
package image

import "github.com/edge-arena/edge-arena/internal/goimage"

// Name is the image's name without tag or digest.
const Name = "registry.example.com/port-allocator"

// Service is what the image is made from. The service needs some 20 MiB with thousands of pods; without a limit the garbage
// of a burst of pod changes would double that for good.
func Service() goimage.Service {
	return goimage.Service{
		Program: "port-allocator", Title: "port allocator", Name: Name, Sources: []string{"internal/daemon", "internal/portalloc"}, MemoryLimit: "48MiB",
	}
}
