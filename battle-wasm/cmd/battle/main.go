// Command battle is the real-time battle server.
//
// For wasip1 it reads /config.json and runs under WasmEdge 0.14.1. For Linux it is the same server as a native process:
//
//	go build ./battle-wasm/cmd/battle
//	BATTLE_PORT=20000 MAX_PLAYERS=10 TICK_RATE=120 NODE_IP=127.0.0.1 POD_NAME=x ./battle -config battle-wasm/image/config.json
//
// It speaks package wire's protocol on UDP port BATTLE_PORT, and HTTP on the TCP port of the same number: /healthz, /readyz, /metrics,
// /v1/address. Package config describes the configuration. Errors of it end the program with status 2, others with 1; in Wasm, with a trap.
package main

import (
	"errors"
	"syscall"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/journal"
	"github.com/edge-arena/edge-arena/battle-wasm/pace"
	"github.com/edge-arena/edge-arena/battle-wasm/server"
)

// version is set by the linker.
var version = "dev"

// errUsage is the cause of errors that are the caller's.
var errUsage = errors.New("configuration")

func main() {
	err := run()
	if err == nil {
		return
	}
	fail(err)
	if errors.Is(err, errUsage) {
		exit(2)
	}
	exit(1)
}

// fail logs what ends the program.
func fail(err error) {
	city, _ := syscall.Getenv("CITY")
	pod, _ := syscall.Getenv("POD_NAME")
	j := journal.New(city, pod)
	j.Error(wall(), "failed").Text("error", err.Error()).End()
	_, _ = syscall.Write(2, j.Pending())
}

func run() error {
	path, err := configPath()
	if err != nil {
		return errors.Join(errUsage, err)
	}
	file, err := readFile(path)
	if err != nil {
		return errors.Join(errUsage, errors.New(path+": "+err.Error()))
	}
	cfg, err := config.Load(file, syscall.Getenv)
	if err != nil {
		return errors.Join(errUsage, err)
	}
	machine, err := open(cfg.Port)
	if err != nil {
		return err
	}
	loop, err := server.NewLoop(cfg, machine, server.Build{Version: version, Runtime: platform, Interpreted: pace.Interpreted(machine.Now)})
	if err != nil {
		return err
	}
	loop.Run()
	return nil
}

// maxConfig bounds the configuration's size in bytes.
const maxConfig = 64 << 10

// readFile reads a small file. The os package would do it in one line, and make the module a quarter larger.
func readFile(path string) ([]byte, error) {
	fd, err := openFile(path)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 4096)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := syscall.Read(fd, b[len(b):cap(b)])
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return nil, errors.Join(err, syscall.Close(fd))
		case n == 0:
			return b, syscall.Close(fd)
		case len(b)+n > maxConfig:
			return nil, errors.Join(errors.New("larger than 64 KiB"), syscall.Close(fd))
		default:
			b = b[:len(b)+n]
		}
	}
}
