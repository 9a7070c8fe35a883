// Package aot checks the native code that WasmEdge compiles of a module ahead of time: a shared library, of which it must be known before it travels that it runs on
// every node of an architecture.
package aot

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"
)

// Arch is a processor's architecture, as Go and container images name it.
type Arch string

// The architectures that modules are compiled for.
const (
	AMD64 Arch = "amd64"
	ARM64 Arch = "arm64"
)

// decoders tell, for each machine, the length of the instruction that some code begins with, if every processor of it has that.
var decoders = map[Arch]struct {
	machine elf.Machine
	next    func(code []byte) (int, error)
}{
	AMD64: {elf.EM_X86_64, nextAMD64},
	ARM64: {elf.EM_AARCH64, nextARM64},
}

// CheckPortable fails unless the library is for the architecture, wants nothing of the system that it runs on, and runs on any processor: of amd64 on those of
// x86-64-v2, of arm64 on those of Armv8.0-A. WasmEdge runs it without a look at the processor, where AVX, LSE atomics and the like are a signal that ends the
// process, and LZCNT is another instruction with another result.
func CheckPortable(library []byte, arch Arch) error {
	want, ok := decoders[arch]
	if !ok {
		return fmt.Errorf("native code: %q is no architecture that is known here", arch)
	}
	f, err := elf.NewFile(bytes.NewReader(library))
	if err != nil {
		return fmt.Errorf("native code: is no library: %w", err)
	}
	if f.Type != elf.ET_DYN || f.Machine != want.machine {
		return fmt.Errorf("native code: is %s for %s, want a shared library for %s", f.Type, f.Machine, want.machine)
	}
	if err := checkSymbols(f); err != nil {
		return fmt.Errorf("native code: %w", err)
	}
	size := 0
	for _, s := range f.Sections {
		if s.Type != elf.SHT_PROGBITS || s.Flags&elf.SHF_EXECINSTR == 0 {
			continue
		}
		code, err := s.Data()
		if err != nil {
			return fmt.Errorf("native code: section %s: %w", s.Name, err)
		}
		for at := 0; at < len(code); {
			n, err := want.next(code[at:])
			if err != nil {
				return fmt.Errorf("native code: section %s, byte %d: %w", s.Name, at, err)
			}
			at += n
		}
		size += len(code)
	}
	if size == 0 {
		return errors.New("native code: there is none in the library")
	}
	return nil
}

// checkSymbols looks for what WasmEdge asks a library for, and for what the library would ask the node for: a function of C's, for example, that another system has
// elsewhere or not at all.
func checkSymbols(f *elf.File) error {
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("read what it is linked with: %w", err)
	}
	if len(libraries) > 0 {
		return fmt.Errorf("is linked with %s", strings.Join(libraries, ", "))
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("read its symbols: %w", err)
	}
	missing := map[string]bool{"version": true, "intrinsics": true, "wasm.code": true, "wasm.size": true}
	for _, s := range symbols {
		if s.Section == elf.SHN_UNDEF {
			return fmt.Errorf("wants %s of whoever loads it", s.Name)
		}
		delete(missing, s.Name)
	}
	for name := range missing {
		return fmt.Errorf("has no %s: it is none of WasmEdge's", name)
	}
	return nil
}

// nextAMD64 knows x86-64-v2. What came later has a VEX prefix, or is LZCNT. TZCNT is BSF where it is not known, and LLVM uses it where both give the same.
func nextAMD64(code []byte) (int, error) {
	in, err := x86asm.Decode(code, 64)
	if err != nil {
		return 0, err
	}
	newer := in.Op == x86asm.LZCNT
	for _, p := range in.Prefix {
		newer = newer || p == x86asm.PrefixVEX2Bytes || p == x86asm.PrefixVEX3Bytes
	}
	if newer {
		return 0, fmt.Errorf("% x is no instruction of x86-64-v2", code[:in.Len])
	}
	return in.Len, nil
}

// nextARM64 knows Armv8.0-A, which is all that the decoder has, with two extensions that a processor may be without: CRC32 and cryptography.
func nextARM64(code []byte) (int, error) {
	if len(code) < 4 {
		return 0, fmt.Errorf("% x is half an instruction", code)
	}
	in, err := arm64asm.Decode(code)
	if err != nil || optional[in.Op] {
		return 0, fmt.Errorf("%08x is no instruction of Armv8.0-A", binary.LittleEndian.Uint32(code))
	}
	return 4, nil
}

var optional = map[arm64asm.Op]bool{
	arm64asm.CRC32B: true, arm64asm.CRC32H: true, arm64asm.CRC32W: true, arm64asm.CRC32X: true,
	arm64asm.CRC32CB: true, arm64asm.CRC32CH: true, arm64asm.CRC32CW: true, arm64asm.CRC32CX: true,
	arm64asm.AESD: true, arm64asm.AESE: true, arm64asm.AESIMC: true, arm64asm.AESMC: true, arm64asm.PMULL: true, arm64asm.PMULL2: true,
	arm64asm.SHA1C: true, arm64asm.SHA1H: true, arm64asm.SHA1M: true, arm64asm.SHA1P: true, arm64asm.SHA1SU0: true, arm64asm.SHA1SU1: true,
	arm64asm.SHA256H: true, arm64asm.SHA256H2: true, arm64asm.SHA256SU0: true, arm64asm.SHA256SU1: true,
}
