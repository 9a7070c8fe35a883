//go:build wasip1

// Package wasi lets the battle server run in WasmEdge 0.14.1, whose extension of WASI preview 1 has sockets.
//
// The functions are those of the extension's second version (`…_v2`), whose addresses can be 4 bytes of IPv4. All blocking is in
// [Machine.Wait] and [Machine.Rest]: a module has one thread, so whatever blocks it stops the Go runtime as a whole.
package wasi

import (
	"errors"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/crypto/blake2s"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// Machine is the host as a module sees it.
type Machine struct {
	udp, tcp int32

	// What calls read and write; here, so that nothing is allocated or moved.
	peer  [4]byte
	addr  address
	vec   iovec
	n     uint32
	flags uint32
	port  uint32
	// What a peer's address is written to: 0.14.1 wants all of a socket address's room for it.
	far     address
	storage [128]byte

	subs  [3 + transport.MaxWatched]subscription // what Wait waits for, and after it what Rest waits for too
	event [3 + transport.MaxWatched]event
}

var _ transport.Machine = (*Machine)(nil)

// Open binds the UDP and the TCP port of that number on all addresses.
func Open(port int) (*Machine, error) {
	m := &Machine{}
	m.addr = address{buf: ptr(&m.peer), size: uint32(len(m.peer))}
	var err error
	if m.udp, err = m.bind(sockDgram, port); err != nil {
		return nil, errors.New("bind UDP port " + strconv.Itoa(port) + ": " + err.Error())
	}
	if m.tcp, err = m.bind(sockStream, port); err != nil {
		return nil, errors.New("bind TCP port " + strconv.Itoa(port) + ": " + err.Error())
	}
	if errno := sockListen(m.tcp, 128); errno != 0 {
		return nil, errors.New("listen on TCP port " + strconv.Itoa(port) + ": " + syscall.Errno(errno).Error())
	}
	m.subs[0] = subscription{user: 0, tag: eventFdRead, fd: uint32(m.udp)}
	m.subs[1] = subscription{user: 1, tag: eventClock, fd: clockMonotonic, clockFlags: clockAbsolute}
	m.subs[2] = subscription{user: 2, tag: eventFdRead, fd: uint32(m.tcp)}
	return m, nil
}

func (m *Machine) bind(kind uint32, port int) (int32, error) {
	var fd int32
	if errno := sockOpen(familyInet4, kind, unsafe.Pointer(&fd)); errno != 0 {
		return 0, syscall.Errno(errno)
	}
	if kind == sockStream {
		one := uint32(1)
		if errno := sockSetOpt(fd, levelSocket, optReuseAddr, unsafe.Pointer(&one), 4); errno != 0 {
			return 0, syscall.Errno(errno)
		}
	} else {
		size := uint32(receiveBuffer)
		_ = sockSetOpt(fd, levelSocket, optReceiveBuffer, unsafe.Pointer(&size), 4)
	}
	m.peer = [4]byte{}
	if errno := sockBind(fd, unsafe.Pointer(&m.addr), uint32(port)); errno != 0 {
		return 0, syscall.Errno(errno)
	}
	return fd, nonblock(fd)
}

// nonblock makes a socket one that does not wait. The syscall package of TinyGo has no such function.
func nonblock(fd int32) error {
	if errno := fdSetFlags(fd, nonblocking); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// receiveBuffer is how many bytes of datagrams the kernel is asked to keep while a tick runs. It cuts the wish down to its limit.
const receiveBuffer = 1 << 20

// Now implements [transport.Clock].
func (m *Machine) Now() int64 {
	var t uint64
	clockTimeGet(clockMonotonic, 1, unsafe.Pointer(&t)) // fails for unknown clocks only
	return int64(t)
}

// Wall implements [transport.Clock].
func (m *Machine) Wall() int64 {
	var t uint64
	clockTimeGet(clockRealtime, 1, unsafe.Pointer(&t))
	return int64(t / 1e6)
}

// Log implements [transport.Machine].
func (m *Machine) Log(lines []byte) { _, _ = syscall.Write(2, lines) }

// Entropy implements [transport.Machine]. WasmEdge 0.14.1 answers a call of random_get from a linear congruential generator with a new seed
// of 31 bits from the system: no more than that is in one call, however long. So many calls are made, and what they give is hashed together.
func (m *Machine) Entropy(b []byte) error {
	const calls = 32
	for len(b) > 0 {
		var pool [calls * 4]byte
		for i := range calls {
			if errno := randomGet(unsafe.Pointer(&pool[i*4]), 4); errno != 0 {
				return syscall.Errno(errno)
			}
		}
		sum := blake2s.Sum256(pool[:])
		b = b[copy(b, sum[:]):]
	}
	return nil
}

// Receive implements [transport.Packets].
func (m *Machine) Receive(b []byte) (int, transport.Addr, error) {
	m.vec = iovec{buf: ptr(unsafe.SliceData(b)), size: uint32(len(b))}
	errno := sockRecvFrom(m.udp, unsafe.Pointer(&m.vec), 1, unsafe.Pointer(&m.addr), 0, unsafe.Pointer(&m.port), unsafe.Pointer(&m.n), unsafe.Pointer(&m.flags))
	runtime.KeepAlive(unsafe.SliceData(b)) // and not b: a slice is put on the heap for it
	if errno != 0 {
		return 0, transport.Addr{}, failure(errno)
	}
	p := uint16(m.port)
	from := transport.Addr{IP: m.peer, Port: p>>8 | p<<8} // as it came from the network
	if m.flags&recvTruncated != 0 {
		return int(m.n), from, transport.ErrTruncated
	}
	return int(m.n), from, nil
}

// Send implements [transport.Packets].
func (m *Machine) Send(b []byte, to transport.Addr) error {
	m.peer = to.IP
	m.vec = iovec{buf: ptr(unsafe.SliceData(b)), size: uint32(len(b))}
	errno := sockSendTo(m.udp, unsafe.Pointer(&m.vec), 1, unsafe.Pointer(&m.addr), uint32(to.Port), 0, unsafe.Pointer(&m.n))
	runtime.KeepAlive(unsafe.SliceData(b)) // and not b: a slice is put on the heap for it
	if errno != 0 {
		return failure(errno)
	}
	return nil
}

// Wait implements [transport.Waiter].
func (m *Machine) Wait(deadline int64) { m.wait(2, deadline) }

// Rest implements [transport.Waiter]. To poll_oneoff of WasmEdge 0.14.1 a listening socket is readable when a connection waits.
func (m *Machine) Rest(deadline int64, conns []transport.Conn) {
	subs := m.subs[:3]
	for _, c := range conns[:min(len(conns), transport.MaxWatched)] {
		subs = append(subs, subscription{user: uint64(len(subs)), tag: eventFdRead, fd: uint32(c)})
	}
	m.wait(uint32(len(subs)), deadline)
}

// wait waits for the first of the subscriptions.
func (m *Machine) wait(subs uint32, deadline int64) {
	// Nothing else of the Go runtime runs while the module waits, so what is left to do, such as a piece of garbage collection, has its turn here.
	runtime.Gosched()
	m.subs[1].timeout = uint64(deadline)
	// An error is an early return. The caller looks at the clock anyway.
	_ = pollOneoff(unsafe.Pointer(&m.subs), unsafe.Pointer(&m.event), subs, unsafe.Pointer(&m.n))
}

// Accept implements [transport.Listener].
func (m *Machine) Accept() (transport.Conn, error) {
	var fd int32
	if errno := sockAccept(m.tcp, 0, unsafe.Pointer(&fd)); errno != 0 {
		return 0, failure(errno)
	}
	// The flag that accept takes is set on the listener by 0.14.1, not on the connection.
	if err := nonblock(fd); err != nil {
		_ = syscall.Close(int(fd))
		return 0, err
	}
	return transport.Conn(fd), nil
}

// Dial implements [transport.Dialer]. Reading and writing say EAGAIN until a connection that was begun is there.
func (m *Machine) Dial(to transport.Addr) (transport.Conn, error) {
	var fd int32
	if errno := sockOpen(familyInet4, sockStream, unsafe.Pointer(&fd)); errno != 0 {
		return 0, syscall.Errno(errno)
	}
	if err := nonblock(fd); err != nil {
		_ = syscall.Close(int(fd))
		return 0, err
	}
	m.peer = to.IP
	if errno := sockConnect(fd, unsafe.Pointer(&m.addr), uint32(to.Port)); errno != 0 && syscall.Errno(errno) != syscall.EINPROGRESS {
		_ = syscall.Close(int(fd))
		return 0, syscall.Errno(errno)
	}
	return transport.Conn(fd), nil
}

// Local implements [transport.Machine].
func (m *Machine) Local(c transport.Conn) bool {
	m.far = address{buf: ptr(&m.storage), size: uint32(len(m.storage))}
	if errno := sockGetPeerAddr(int32(c), unsafe.Pointer(&m.far), unsafe.Pointer(&m.port)); errno != 0 {
		return false
	}
	return m.storage[2] == 127 // two bytes of family before the address
}

// Read implements [transport.Streams].
func (m *Machine) Read(c transport.Conn, b []byte) (int, error) {
	m.vec = iovec{buf: ptr(unsafe.SliceData(b)), size: uint32(len(b))}
	errno := sockRecv(int32(c), unsafe.Pointer(&m.vec), 1, 0, unsafe.Pointer(&m.n), unsafe.Pointer(&m.flags))
	runtime.KeepAlive(unsafe.SliceData(b)) // and not b: a slice is put on the heap for it
	if errno != 0 {
		return 0, failure(errno)
	}
	return int(m.n), nil
}

// Write implements [transport.Streams].
func (m *Machine) Write(c transport.Conn, b []byte) (int, error) {
	m.vec = iovec{buf: ptr(unsafe.SliceData(b)), size: uint32(len(b))}
	errno := sockSend(int32(c), unsafe.Pointer(&m.vec), 1, 0, unsafe.Pointer(&m.n))
	runtime.KeepAlive(unsafe.SliceData(b)) // and not b: a slice is put on the heap for it
	if errno != 0 {
		return 0, failure(errno)
	}
	return int(m.n), nil
}

// Close implements [transport.Streams].
func (m *Machine) Close(c transport.Conn) { _ = syscall.Close(int(c)) }

func failure(errno uint32) error {
	if e := syscall.Errno(errno); e == syscall.EAGAIN || e == syscall.EINTR {
		return transport.ErrAgain
	}
	return syscall.Errno(errno)
}
