package main

import "github.com/edge-arena/edge-arena/battle-wasm/wasi"

const platform = "wasip1"

// configPath is where the image has the configuration.
func configPath() (string, error) { return "/config.json", nil }

func open(port int) (*wasi.Machine, error) { return wasi.Open(port) }
