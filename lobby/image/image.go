// Package image tells what makes the container image of the lobby in this checkout.
package image

import "github.com/edge-arena/edge-arena/internal/goimage"

// Name is the image's name without tag or digest.
const Name = "registry.example.com/lobby"

// Service is what the image is made from. The lobby needs some 40 MiB, and as much again while it compiles a new policy or
// knows the rates of a hundred thousand callers.
func Service() goimage.Service {
	return goimage.Service{
		Program: "lobby", Title: "lobby", Name: Name, Sources: []string{"lobby", "battle-wasm/ticket", "battle-wasm/report", "battle-wasm/ascii"}, MemoryLimit: "160MiB",
	}
}
