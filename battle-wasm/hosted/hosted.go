//go:build linux

// Package hosted runs the battle server's Wasm module under wazero, in a native process: to compare with, and for hosts without WasmEdge. The
// sockets, the clock and the wait are those of package native, given to the module as the functions of WasmEdge's extension of WASI.
package hosted

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/edge-arena/edge-arena/battle-wasm/native"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// Config says what to run.
type Config struct {
	// Module is the Wasm module. Code in it that WasmEdge has compiled is passed over. Required.
	Module []byte
	// Root is the folder that the module sees as /. Required.
	Root string
	// Env is its environment, as [os.Environ] has it.
	Env []string
	// Log takes what the module writes to stdout and stderr. Required.
	Log io.Writer
}

// host is what a module was given of this machine.
type host struct {
	start   time.Time
	machine *native.Machine  // once the module has bound its ports
	opened  int              // sockets that were made before that
	dialed  transport.Conn   // the connection that the module has made; 0 is none
	watched []transport.Conn // those whose end or request a poll waits for
}

// Run compiles and runs the module until it ends or the context does.
func Run(ctx context.Context, cfg Config) (err error) {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(ctx.Done() != nil))
	h := &host{start: time.Now()}
	defer func() {
		err = errors.Join(err, r.Close(context.WithoutCancel(ctx)))
		if h.machine != nil {
			err = errors.Join(err, h.machine.Shut())
		}
	}()
	builder := r.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(builder)
	h.export(builder)
	if _, err := builder.Instantiate(ctx); err != nil {
		return fmt.Errorf("give the module its functions: %w", err)
	}
	module := wazero.NewModuleConfig().WithArgs("/app.wasm").WithStdout(cfg.Log).WithStderr(cfg.Log).WithRandSource(rand.Reader).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep().WithFSConfig(wazero.NewFSConfig().WithReadOnlyDirMount(cfg.Root, "/"))
	for _, variable := range cfg.Env {
		name, value, _ := strings.Cut(variable, "=")
		module = module.WithEnv(name, value)
	}
	_, err = r.InstantiateWithConfig(ctx, cfg.Module, module)
	if err != nil {
		return fmt.Errorf("run the module: %w", err)
	}
	return nil
}

// RunFile runs the module at path in the environment of this process, with the folder / as its own.
func RunFile(ctx context.Context, path string) error {
	module, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the module: %w", err)
	}
	return Run(ctx, Config{Module: module, Root: "/", Env: os.Environ(), Log: os.Stderr})
}

// most is how many parameters a function has at the most.
const most = 8

// export adds the functions that differ from WASI's own, and those that it does not have.
func (h *host) export(b wazero.HostModuleBuilder) {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	add := func(name string, params int, f func(m api.Module, args []uint64) uint32) {
		types := make([]api.ValueType, params)
		for i := range types {
			types[i] = i32
		}
		if name == "clock_time_get" {
			types[1] = i64
		}
		call := api.GoModuleFunc(func(_ context.Context, m api.Module, stack []uint64) {
			var args [most]uint64
			for i := range params {
				args[i] = uint64(api.DecodeU32(stack[i])) // what stands above the 32 bits is not the module's
			}
			stack[0] = uint64(f(m, args[:]))
		})
		b.NewFunctionBuilder().WithGoModuleFunction(call, types, []api.ValueType{i32}).Export(name)
	}
	add("clock_time_get", 3, h.clock)
	add("poll_oneoff", 4, h.poll)
	add("fd_fdstat_get", 2, h.stat)
	add("fd_fdstat_set_flags", 2, func(api.Module, []uint64) uint32 { return success })
	add("fd_close", 1, h.close)
	add("sock_open_v2", 3, h.open)
	add("sock_bind_v2", 3, h.bind)
	add("sock_listen_v2", 2, func(api.Module, []uint64) uint32 { return success })
	add("sock_setsockopt", 5, func(api.Module, []uint64) uint32 { return success })
	add("sock_connect_v2", 3, h.connect)
	add("sock_accept_v2", 3, h.accept)
	add("sock_getpeeraddr_v2", 3, h.peer)
	add("sock_recv_from_v2", 8, h.receiveFrom)
	add("sock_send_to_v2", 7, h.sendTo)
	add("sock_recv_v2", 6, h.receive)
	add("sock_send_v2", 5, h.send)
}
