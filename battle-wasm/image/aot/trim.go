package aot

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// The symbols by which WasmEdge finds the module in a library, and how long it is.
const (
	moduleSymbol = "wasm.code"
	sizeSymbol   = "wasm.size"
)

// Trim empties the functions of the module that a library has within it. WasmEdge reads all of that module but the bodies of functions, of which the library has the
// native code: it steps over them, but only after it has made a copy of all, in each pod. The library is as long as before; what is left over is zeros.
func Trim(library []byte) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(library))
	if err != nil {
		return nil, fmt.Errorf("trim native code: is no library: %w", err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("trim native code: read its symbols: %w", err)
	}
	trimmed := bytes.Clone(library)
	size, err := contentOf(f, symbols, sizeSymbol, trimmed, 4)
	if err != nil {
		return nil, fmt.Errorf("trim native code: %w", err)
	}
	module, err := contentOf(f, symbols, moduleSymbol, trimmed, uint64(binary.LittleEndian.Uint32(size)))
	if err != nil {
		return nil, fmt.Errorf("trim native code: %w", err)
	}
	short, err := withoutBodies(module)
	if err != nil {
		return nil, fmt.Errorf("trim native code: the module in it %w", err)
	}
	clear(module[copy(module, short):])
	binary.LittleEndian.PutUint32(size, uint32(len(short)))
	return trimmed, nil
}

// contentOf is the part of the library's file that a symbol names.
func contentOf(f *elf.File, symbols []elf.Symbol, name string, file []byte, size uint64) ([]byte, error) {
	for _, s := range symbols {
		if s.Name != name {
			continue
		}
		if int(s.Section) >= len(f.Sections) {
			break
		}
		in := f.Sections[s.Section]
		at := s.Value - in.Addr
		if s.Value < in.Addr || in.Type == elf.SHT_NOBITS || at > in.FileSize || size > in.FileSize-at || in.Offset > uint64(len(file)) || in.FileSize > uint64(len(file))-in.Offset {
			break
		}
		return file[in.Offset+at:][:size], nil
	}
	return nil, fmt.Errorf("has no %s of %d bytes", name, size)
}

// The parts of a module that matter here: its first bytes, and the section with the functions' bodies.
const (
	moduleHeader = 8
	codeSection  = 10
)

var errCut = errors.New("ends within a section")

// withoutBodies is the module with functions that have neither variables nor instructions. It is no valid module.
func withoutBodies(module []byte) ([]byte, error) {
	if len(module) < moduleHeader {
		return nil, errCut
	}
	for at := moduleHeader; at < len(module); {
		size, n := binary.Uvarint(module[at+1:])
		begin := at + 1 + n
		if n <= 0 || uint64(len(module)-begin) < size {
			return nil, errCut
		}
		end := begin + int(size)
		if module[at] != codeSection {
			at = end
			continue
		}
		functions, n := binary.Uvarint(module[begin:end])
		if n <= 0 || functions > size {
			return nil, errCut
		}
		empty := append(bytes.Clone(module[begin:begin+n]), bytes.Repeat([]byte{1, 0}, int(functions))...)
		short := binary.AppendUvarint(append(bytes.Clone(module[:at]), codeSection), uint64(len(empty)))
		short = append(append(short, empty...), module[end:]...)
		if len(short) > len(module) {
			return nil, errors.New("has functions that are shorter than empty ones")
		}
		return short, nil
	}
	return nil, errors.New("has no functions")
}
