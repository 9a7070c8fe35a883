package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/native"
)

const platform = "linux"

// configPath reads the one flag that there is, -config. In an image the file has the same place as in the Wasm image.
func configPath() (string, error) {
	switch args := os.Args[1:]; {
	case len(args) == 0:
		return "/config.json", nil
	case len(args) == 2 && args[0] == "-config":
		return args[1], nil
	}
	return "", errors.New("usage: battle [-config FILE]")
}

func openFile(path string) (int, error) { return syscall.Open(path, syscall.O_RDONLY, 0) }

func open(port int) (*native.Machine, error) { return native.Open(port) }

func wall() int64 { return time.Now().UnixMilli() }

func exit(status int) { os.Exit(status) }
