// Package segments rewrites what a Wasm module says of its memory's first content.
//
// Go's linker begins a new data segment wherever nine bytes are zero, for a smaller file: 28,000 of them in the battle server. To WasmEdge each is an object, which it reads, checks,
// copies and keeps by itself; they were most of the time that a start took and a third of a pod's memory. Few segments with the zeros in them say the same.
package segments

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// maxGap is how many zeros between two segments are written out, in bytes. More may be whole pages that nothing ever touches.
const maxGap = 4096

// The sections of a module that matter here.
const (
	dataSection      = 11
	dataCountSection = 12
)

// What a segment's place is written with.
const (
	opI32Const = 0x41
	opEnd      = 0x0b
)

var header = []byte("\x00asm\x01\x00\x00\x00")

var errCut = errors.New("ends early")

// MergeFile merges the segments of the module in a file.
func MergeFile(path string) error {
	module, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("merge data segments: %w", err)
	}
	if module, err = Merge(module); err != nil {
		return fmt.Errorf("merge data segments of %s: %w", path, err)
	}
	if err := os.WriteFile(path, module, 0o644); err != nil {
		return fmt.Errorf("merge data segments: %w", err)
	}
	return nil
}

// Merge returns the module with segments that lie close together made one. Its memory begins as before.
func Merge(module []byte) ([]byte, error) {
	if !bytes.HasPrefix(module, header) {
		return nil, errors.New("is not a Wasm module")
	}
	merged := bytes.Clone(header)
	r := reader{left: module[len(header):]}
	for len(r.left) > 0 {
		section := r.left
		id := r.take(1)
		body := r.take(r.number())
		if r.err != nil {
			return nil, fmt.Errorf("a section %w", r.err)
		}
		switch id[0] {
		case dataCountSection:
			return nil, errors.New("counts its segments, so its code may name them")
		case dataSection:
			segments, err := parse(body)
			if err != nil {
				return nil, fmt.Errorf("the data section %w", err)
			}
			body = encode(join(segments))
			merged = binary.AppendUvarint(append(merged, dataSection), uint64(len(body)))
			merged = append(merged, body...)
		default:
			merged = append(merged, section[:len(section)-len(r.left)]...)
		}
	}
	return merged, nil
}

// segment is content for the memory.
type segment struct {
	at      int64
	content []byte
}

func (s segment) end() int64 { return s.at + int64(len(s.content)) }

// join joins each segment with the one before it where it follows that closely. Their order stays: a later one may write over an earlier one.
func join(segments []segment) []segment {
	var joined []segment
	for _, s := range segments {
		if n := len(joined); n > 0 {
			last := &joined[n-1]
			if gap := s.at - last.end(); gap >= 0 && gap <= maxGap && !between(joined[:n-1], last.end(), s.at) {
				last.content = append(append(last.content, make([]byte, gap)...), s.content...)
				continue
			}
		}
		joined = append(joined, segment{at: s.at, content: bytes.Clone(s.content)})
	}
	return joined
}

// between tells whether one of the segments writes to where zeros would be written.
func between(segments []segment, from, to int64) bool {
	for _, s := range segments {
		if s.at < to && s.end() > from {
			return true
		}
	}
	return false
}

// parse reads a data section: of segments that are put into the first memory, at an address that is a constant.
func parse(body []byte) ([]segment, error) {
	r := reader{left: body}
	var segments []segment
	for n := r.number(); n > 0 && r.err == nil; n-- {
		if kind := r.take(2); r.err == nil && (kind[0] != 0 || kind[1] != opI32Const) {
			return nil, errors.New("has a segment whose place is not a constant")
		}
		s := segment{at: r.signed()}
		if end := r.take(1); r.err == nil && end[0] != opEnd {
			return nil, errors.New("has a segment whose place is not a constant")
		}
		s.content = r.take(r.number())
		segments = append(segments, s)
	}
	if r.err == nil && len(r.left) > 0 {
		return nil, errors.New("has more than its segments")
	}
	return segments, r.err
}

func encode(segments []segment) []byte {
	body := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		body = appendSigned(append(body, 0, opI32Const), s.at)
		body = binary.AppendUvarint(append(body, opEnd), uint64(len(s.content)))
		body = append(body, s.content...)
	}
	return body
}

// appendSigned writes a number as Wasm writes signed ones.
func appendSigned(b []byte, n int64) []byte {
	for {
		low := byte(n & 0x7f)
		n >>= 7
		if n == 0 && low&0x40 == 0 || n == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

// reader reads what a section consists of. After an error it gives nothing.
type reader struct {
	left []byte
	err  error
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.left)) {
		r.err, r.left = errCut, nil
		return nil
	}
	b := r.left[:n]
	r.left = r.left[n:]
	return b
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.left)
	if n <= 0 {
		r.err, r.left = errCut, nil
		return 0
	}
	r.left = r.left[n:]
	return v
}

// signed reads a number of 32 bits, which an address is: those of the upper half of the memory look negative.
func (r *reader) signed() int64 {
	n := int64(0)
	for shift := 0; shift < 35; shift += 7 {
		b := r.take(1)
		if r.err != nil {
			return 0
		}
		n |= int64(b[0]&0x7f) << shift
		if b[0]&0x80 != 0 {
			continue
		}
		if b[0]&0x40 != 0 {
			n -= 1 << (shift + 7)
		}
		return n
	}
	r.err, r.left = errCut, nil
	return 0
}
