// Package aottest makes shared libraries for tests of what reads them: without a compiler, and with whatever is to be found in them.
package aottest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
)

// Library is a library of ELF.
type Library struct {
	Machine elf.Machine
	Type    elf.Type
	// Code is the content of its sections with machine code.
	Code []string
	// Symbols are defined, Wanted are not.
	Symbols, Wanted []string
	// Needed are the libraries that it is linked with.
	Needed []string
	// Module is what the symbols wasm.code and wasm.size stand for.
	Module string
}

// Module is a module of one function, `unreachable`, which lies between two other sections.
const Module = "\x00asm\x01\x00\x00\x00" + "\x03\x02\x01\x00" + "\x0a\x05\x01\x03\x00\x00\x0b" + "\x00\x02\x01x"

// Compiled is a library as WasmEdge makes it.
func Compiled(machine elf.Machine, code ...string) Library {
	return Library{Machine: machine, Type: elf.ET_DYN, Code: code, Symbols: []string{"version", "intrinsics", "wasm.code", "wasm.size", "f0"}, Module: Module}
}

// Bytes is the library's file.
func (l Library) Bytes() []byte {
	names, dynamicNames := &table{}, &table{}
	type section struct {
		elf.Section64
		content []byte
	}
	sections := []section{{}}
	add := func(name string, header elf.Section64, content []byte) {
		header.Name, header.Size = names.add(name), uint64(len(content))
		sections = append(sections, section{header, content})
	}
	for _, code := range l.Code {
		add(".text", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR)}, []byte(code))
	}
	data := uint16(len(sections))
	add(".rodata", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC)}, []byte("\xc5 is no code"))
	// Where data would be mapped to: other than where it is in the file.
	const address = 0x5000
	add(".data", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: address},
		append(binary.LittleEndian.AppendUint32(nil, uint32(len(l.Module))), l.Module...))
	var symbols, dynamic bytes.Buffer
	put(&symbols, elf.Sym64{})
	for _, name := range l.Symbols {
		s := elf.Sym64{Name: dynamicNames.add(name), Info: byte(elf.STB_GLOBAL) << 4, Shndx: 1}
		switch name {
		case "wasm.size":
			s.Shndx, s.Value = data+1, address
		case "wasm.code":
			s.Shndx, s.Value = data+1, address+4
		}
		put(&symbols, s)
	}
	for _, name := range l.Wanted {
		put(&symbols, elf.Sym64{Name: dynamicNames.add(name), Info: byte(elf.STB_GLOBAL) << 4})
	}
	for _, name := range l.Needed {
		put(&dynamic, elf.Dyn64{Tag: int64(elf.DT_NEEDED), Val: uint64(dynamicNames.add(name))})
	}
	put(&dynamic, elf.Dyn64{})
	strings := uint32(len(sections))
	add(".dynstr", elf.Section64{Type: uint32(elf.SHT_STRTAB)}, append(dynamicNames.text, 0))
	add(".dynsym", elf.Section64{Type: uint32(elf.SHT_DYNSYM), Link: strings, Entsize: 24}, symbols.Bytes())
	add(".dynamic", elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Link: strings, Entsize: 16}, dynamic.Bytes())
	last := len(sections)
	add(".shstrtab", elf.Section64{Type: uint32(elf.SHT_STRTAB)}, nil)
	sections[last].content = append(slices.Clone(names.text), 0)
	sections[last].Size = uint64(len(names.text) + 1)

	const headerSize = 64
	at := uint64(headerSize)
	var headers, contents bytes.Buffer
	for i := range sections {
		s := &sections[i]
		s.Off = at
		at += uint64(len(s.content))
		contents.Write(s.content)
		put(&headers, s.Section64)
	}
	header := elf.Header64{
		Type: uint16(l.Type), Machine: uint16(l.Machine), Version: 1, Ehsize: headerSize, Shoff: at, Shentsize: 64, Shnum: uint16(len(sections)), Shstrndx: uint16(last),
	}
	copy(header.Ident[:], "\x7fELF\x02\x01\x01")
	var out bytes.Buffer
	put(&out, header)
	out.Write(contents.Bytes())
	out.Write(headers.Bytes())
	return out.Bytes()
}

func put(to *bytes.Buffer, what any) {
	if err := binary.Write(to, binary.LittleEndian, what); err != nil {
		panic(err)
	}
}

// table is a table of strings, each after a zero.
type table struct{ text []byte }

func (t *table) add(s string) uint32 {
	t.text = append(t.text, 0)
	at := len(t.text)
	t.text = append(t.text, s...)
	return uint32(at)
}
