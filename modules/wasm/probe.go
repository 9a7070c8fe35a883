package wasm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-arena/edge-arena/internal/ociimage"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// probeReference is the name of the probe's image. No registry has it: it is made here and brought to the nodes.
const probeReference = "registry.example.com/wasm-probe:1"

// ipv4 is the address family of WasmEdge's sock_open.
const ipv4 = 1

// probeModule opens a socket of an address family, and traps if that fails: crun takes every module that ends by itself for a success. `sock_open` is
// WasmEdge's own extension of WASI, so another runtime refuses the module, and what is no Wasm runtime cannot run it at all.
func probeModule(family byte) []byte {
	const i32, void = 0x7f, 0x40
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	section := func(id byte, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append([]byte{id, byte(len(body))}, body...)
	}
	code := bytes.Join([][]byte{
		{0},                              // no locals
		{0x41, family, 0x41, 1, 0x41, 0}, // the family, datagram, and 0, where the descriptor goes
		{0x10, 0},                        // call sock_open
		{0x04, void, 0x00, 0x0b, 0x0b},   // if its error is not 0: unreachable
	}, nil)
	return bytes.Join([][]byte{
		{0x00, 'a', 's', 'm', 1, 0, 0, 0},
		section(1, []byte{2}, []byte{0x60, 3, i32, i32, i32, 1, i32}, []byte{0x60, 0, 0}),
		section(2, []byte{1}, name("wasi_snapshot_preview1"), name("sock_open"), []byte{0, 0}),
		section(3, []byte{1, 1}),
		section(5, []byte{1, 0, 1}),
		section(7, []byte{2}, name("memory"), []byte{2, 0}, name("_start"), []byte{0, 1}),
		section(10, []byte{1, byte(len(code))}, code),
	}, nil)
}

// probeArchive is the probe's image.
func probeArchive() (archive *k3s.Archive, err error) {
	dir, err := os.MkdirTemp("", "edge-arena-probe-")
	if err != nil {
		return nil, fmt.Errorf("probe image: %w", err)
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil && e != nil {
			err = fmt.Errorf("probe image: %w", e)
		}
	}()
	path := filepath.Join(dir, "probe.tar")
	if _, err := ociimage.Write(path, ociimage.Spec{
		Reference:  probeReference,
		Files:      map[string]ociimage.File{"/probe.wasm": {Content: probeModule(ipv4), Mode: 0o755}},
		Entrypoint: []string{"/probe.wasm"},
		User:       "65532:65532",
	}); err != nil {
		return nil, fmt.Errorf("probe image: %w", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("probe image: %w", err)
	}
	return k3s.ReadArchive(content)
}
