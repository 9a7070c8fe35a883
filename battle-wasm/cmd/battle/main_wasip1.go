package main

import (
	"syscall"
	"unsafe"

	"github.com/edge-arena/edge-arena/battle-wasm/wasi"
)

const platform = "wasip1"

// configPath is where the image has the configuration.
func configPath() (string, error) { return "/config.json", nil }

func openFile(path string) (int, error) { return wasi.OpenRead(path) }

func open(port int) (*wasi.Machine, error) { return wasi.Open(port) }

func wall() int64 { return new(wasi.Machine).Wall() }

// exit ends the program by a trap: a write to the end of the module's address space, where it has no memory. crun 1.21 reports a module that ends by proc_exit
// as a success, whatever its status, and a container that could not start must not pass for one that completed.
func exit(status int) {
	*(*byte)(unsafe.Add(unsafe.Pointer(nil), -1)) = 0
	syscall.Exit(status) // a runtime that lets the write pass
}
