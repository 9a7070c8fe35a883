package aot

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// What the section has of a shared library: WasmEdge calls the part with the machine code text. amd64 is the architecture for which it is.
const (
	text  = 1
	amd64 = 1
)

var errCut = errors.New("native code: the section ends early")

// CheckPortable fails unless the native code runs on any processor of x86-64-v2. WasmEdge runs it without a look at the processor, where AVX and the like
// are a signal that ends the process, and LZCNT is another instruction with another result.
func CheckPortable(module []byte) error {
	code, err := machineCode(module)
	if err != nil {
		return err
	}
	for at := 0; at < len(code); {
		in, err := x86asm.Decode(code[at:], 64)
		if err != nil {
			return fmt.Errorf("native code: byte %d: %w", at, err)
		}
		if newer(in) {
			return fmt.Errorf("native code: byte %d: % x is no instruction of x86-64-v2", at, code[at:at+in.Len])
		}
		at += in.Len
	}
	return nil
}

// newer tells of an instruction that came after x86-64-v2: all with a VEX prefix, and LZCNT. TZCNT is BSF where it is not known, and LLVM uses it where
// both give the same.
func newer(in x86asm.Inst) bool {
	for _, p := range in.Prefix {
		if p == x86asm.PrefixVEX2Bytes || p == x86asm.PrefixVEX3Bytes {
			return true
		}
	}
	return in.Op == x86asm.LZCNT
}

// machineCode finds the code in the section: a version, the system, the architecture, two addresses, the addresses of types and functions, and the parts.
func machineCode(module []byte) ([]byte, error) {
	from, to, err := find(module)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, errors.New("has no native code in it")
	}
	_, size := binary.Uvarint(module[from+1:])
	r := reader{left: module[from+1+size : to]}
	r.take(r.number()) // the section's name
	r.number()
	if system := r.take(2); r.err == nil && system[1] != amd64 {
		return nil, fmt.Errorf("native code: is for architecture %d, want %d", system[1], amd64)
	}
	r.number()
	r.number()
	for range 2 {
		for range r.number() {
			if r.err != nil {
				break
			}
			r.number()
		}
	}
	var code []byte
	for range r.number() {
		kind := r.take(1)
		r.number()
		r.number()
		content := r.take(r.number())
		if r.err != nil {
			break
		}
		if kind[0] == text {
			code = append(code, content...)
		}
	}
	if r.err == nil && len(code) == 0 {
		return nil, errors.New("native code: there is none in the section")
	}
	return code, r.err
}

// reader reads what a section consists of. After an error it gives nothing.
type reader struct {
	left []byte
	err  error
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.left)
	if n <= 0 {
		r.err = errCut
		r.left = nil
		return 0
	}
	r.left = r.left[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.left)) {
		r.err = errCut
		r.left = nil
		return nil
	}
	b := r.left[:n]
	r.left = r.left[n:]
	return b
}
