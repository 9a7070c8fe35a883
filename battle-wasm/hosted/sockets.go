//go:build linux

package hosted

import (
	"encoding/binary"
	"errors"

	"github.com/tetratelabs/wazero/api"

	"github.com/edge-arena/edge-arena/battle-wasm/native"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// Errors of WASI.
const (
	success = 0
	again   = 6
	badFd   = 8
	fault   = 21
	invalid = 28
	failed  = 29
)

// Descriptors of the sockets that package wasi opens: the one for packets, the one for connections, the one that it connects to NATS, of which there is
// one at a time, and those that it accepts, whose numbers are the machine's from accepted on. They lie far from those that wazero gives out for files.
const (
	packetsFd = 1<<20 + iota
	streamsFd
	dialedFd
	accepted
)

const truncated = 1

// bytes are so many of the module's memory, to read and to write; nil where it has no such place.
func bytes(m api.Module, at, size uint64) []byte {
	b, _ := m.Memory().Read(uint32(at), uint32(size))
	return b
}

func put(m api.Module, at uint64, v uint32) uint32 {
	if !m.Memory().WriteUint32Le(uint32(at), v) {
		return fault
	}
	return success
}

// vector is the message that an iovec points to: package wasi uses one at a time.
func vector(m api.Module, at, n uint64) []byte {
	b := bytes(m, at, 8)
	if b == nil || n != 1 {
		return nil
	}
	return bytes(m, uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[4:])))
}

// address is the 4 bytes, or more, that a socket address points to.
func address(m api.Module, at uint64, least uint64) []byte {
	b := bytes(m, at, 8)
	if b == nil || uint64(binary.LittleEndian.Uint32(b[4:])) < least {
		return nil
	}
	return bytes(m, uint64(binary.LittleEndian.Uint32(b)), least)
}

// conn is the machine's connection of a descriptor.
func (h *host) conn(fd uint64) (transport.Conn, bool) {
	switch {
	case h.machine == nil || fd < dialedFd:
		return 0, false
	case fd == dialedFd:
		return h.dialed, h.dialed != 0
	}
	return transport.Conn(fd - accepted), true
}

func errnoOf(err error) uint32 {
	switch {
	case err == nil:
		return success
	case errors.Is(err, transport.ErrAgain):
		return again
	default:
		return failed
	}
}

// open gives the packets' socket, then the listener's, then the one that is to be connected: in this order package wasi asks for them.
func (h *host) open(m api.Module, args []uint64) uint32 {
	if h.machine != nil {
		return put(m, args[2], dialedFd)
	}
	fd := uint32(packetsFd + h.opened)
	h.opened++
	return put(m, args[2], fd)
}

// bind binds both sockets when the second one is, as the machine does.
func (h *host) bind(_ api.Module, args []uint64) uint32 {
	if args[0] != streamsFd {
		return success
	}
	machine, err := native.Open(int(args[2]))
	if err != nil {
		return failed
	}
	h.machine = machine
	return success
}

func (h *host) connect(m api.Module, args []uint64) uint32 {
	to := address(m, args[1], 4)
	if to == nil || args[0] != dialedFd {
		return invalid
	}
	conn, err := h.machine.Dial(transport.Addr{IP: [4]byte(to), Port: uint16(args[2])})
	if err != nil {
		return failed
	}
	h.dialed = conn
	return success
}

func (h *host) accept(m api.Module, args []uint64) uint32 {
	conn, err := h.machine.Accept()
	if err != nil {
		return errnoOf(err)
	}
	return put(m, args[2], uint32(accepted+conn))
}

// peer writes an address of this machine, or one of none: package wasi asks no more than whether a peer is here.
func (h *host) peer(m api.Module, args []uint64) uint32 {
	conn, ok := h.conn(args[0])
	to := address(m, args[1], 6)
	if !ok || to == nil {
		return invalid
	}
	clear(to)
	if h.machine.Local(conn) {
		to[2], to[5] = 127, 1
	}
	return put(m, args[2], 0)
}

func (h *host) receiveFrom(m api.Module, args []uint64) uint32 {
	b, from := vector(m, args[1], args[2]), address(m, args[3], 4)
	if b == nil || from == nil || args[0] != packetsFd {
		return invalid
	}
	n, peer, err := h.machine.Receive(b)
	flags := uint32(0)
	if errors.Is(err, transport.ErrTruncated) {
		flags, err = truncated, nil
	}
	if err != nil {
		return errnoOf(err)
	}
	copy(from, peer.IP[:])
	port := uint32(peer.Port>>8 | peer.Port<<8) // as it comes from the network
	return max(put(m, args[5], port), put(m, args[6], uint32(n)), put(m, args[7], flags))
}

func (h *host) sendTo(m api.Module, args []uint64) uint32 {
	b, to := vector(m, args[1], args[2]), address(m, args[3], 4)
	if b == nil || to == nil || args[0] != packetsFd {
		return invalid
	}
	if err := h.machine.Send(b, transport.Addr{IP: [4]byte(to), Port: uint16(args[4])}); err != nil {
		return errnoOf(err)
	}
	return put(m, args[6], uint32(len(b)))
}

func (h *host) receive(m api.Module, args []uint64) uint32 {
	conn, ok := h.conn(args[0])
	b := vector(m, args[1], args[2])
	if !ok || b == nil {
		return invalid
	}
	n, err := h.machine.Read(conn, b)
	if err != nil {
		return errnoOf(err)
	}
	return max(put(m, args[4], uint32(n)), put(m, args[5], 0))
}

func (h *host) send(m api.Module, args []uint64) uint32 {
	conn, ok := h.conn(args[0])
	b := vector(m, args[1], args[2])
	if !ok || b == nil {
		return invalid
	}
	n, err := h.machine.Write(conn, b)
	if err != nil {
		return errnoOf(err)
	}
	return put(m, args[4], uint32(n))
}
