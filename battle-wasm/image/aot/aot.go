// Package aot knows where WasmEdge puts the code that it compiles ahead of time: into a custom section of the module, behind all others. What does not know
// the section takes the file for the module that it was before.
package aot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// section is the name that WasmEdge gives it.
const section = "wasmedge"

var header = []byte("\x00asm\x01\x00\x00\x00")

// Has tells whether the module has native code in it.
func Has(module []byte) (bool, error) {
	from, to, err := find(module)
	return to > from, err
}

// Strip returns the module without native code.
func Strip(module []byte) ([]byte, error) {
	from, to, err := find(module)
	if err != nil {
		return nil, err
	}
	return append(bytes.Clone(module[:from]), module[to:]...), nil
}

// StripFile takes the native code out of the module in a file.
func StripFile(path string) error {
	module, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("strip native code: %w", err)
	}
	if module, err = Strip(module); err != nil {
		return fmt.Errorf("strip native code: %s: %w", path, err)
	}
	if err := os.WriteFile(path, module, 0o755); err != nil {
		return fmt.Errorf("strip native code: %w", err)
	}
	return nil
}

// find looks through the sections of a module for the one with native code: module[from:to], nothing where there is none.
func find(module []byte) (from, to int, err error) {
	if !bytes.HasPrefix(module, header) {
		return 0, 0, errors.New("is not a Wasm module")
	}
	for at := len(header); at < len(module); {
		size, n := binary.Uvarint(module[at+1:])
		begin := at + 1 + n
		if n <= 0 || uint64(len(module)-begin) < size {
			return 0, 0, errors.New("ends within a section")
		}
		end := begin + int(size)
		if module[at] == 0 && nameOf(module[begin:end]) == section {
			return at, end, nil
		}
		at = end
	}
	return 0, 0, nil
}

// nameOf is the name of a custom section.
func nameOf(body []byte) string {
	length, n := binary.Uvarint(body)
	if n <= 0 || uint64(len(body)-n) < length {
		return ""
	}
	return string(body[n:][:length])
}
