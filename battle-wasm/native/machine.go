//go:build linux

// Package native lets the battle server run as a Linux process: the same non-blocking sockets and the same wait that package wasi gives it in
// Wasm, so that the two can be compared. It goes around the net package, whose poller wakes to the millisecond only.
package native

import (
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// Machine is this machine. It is used from one goroutine.
type Machine struct {
	udp, tcp int
	port     int
	start    time.Time
	poll     [2 + transport.MaxWatched]unix.PollFd // what Wait waits for, and after it what Rest waits for too
	peer     unix.RawSockaddrInet4                 // of the call under way; here, so that it is not allocated
	peerLen  uint32
}

var _ transport.Machine = (*Machine)(nil)

// receiveBuffer is how many bytes of datagrams the kernel is asked to keep while a tick runs.
const receiveBuffer = 1 << 20

// Open binds the UDP and the TCP port of that number on all addresses; 0 takes a free one, see [Machine.Port]. The calling goroutine stays
// on its thread from now on.
func Open(port int) (*Machine, error) {
	runtime.LockOSThread()
	udp, err := bind(unix.SOCK_DGRAM, port)
	if err != nil {
		return nil, fmt.Errorf("bind UDP port %d: %w", port, err)
	}
	// The kernel cuts the wish down to its limit; there is no more to be had.
	_ = unix.SetsockoptInt(udp, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	if port, err = boundPort(udp); err != nil {
		return nil, errors.Join(fmt.Errorf("find the UDP port: %w", err), unix.Close(udp))
	}
	tcp, err := bind(unix.SOCK_STREAM, port)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bind TCP port %d: %w", port, err), unix.Close(udp))
	}
	if err := unix.Listen(tcp, 128); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on TCP port %d: %w", port, err), unix.Close(udp), unix.Close(tcp))
	}
	return &Machine{
		udp: udp, tcp: tcp, port: port, start: time.Now(),
		poll: [2 + transport.MaxWatched]unix.PollFd{{Fd: int32(udp), Events: unix.POLLIN}, {Fd: int32(tcp), Events: unix.POLLIN}},
	}, nil
}

func boundPort(fd int) (int, error) {
	addr, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	inet, ok := addr.(*unix.SockaddrInet4)
	if !ok {
		return 0, errors.New("not an IPv4 socket")
	}
	return inet.Port, nil
}

// Port is the port that is bound.
func (m *Machine) Port() int { return m.port }

func bind(kind, port int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if kind == unix.SOCK_STREAM {
		// A server that is started again must not wait for the last connections of the one before. UDP has none, and there a second server must fail.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return 0, errors.Join(err, unix.Close(fd))
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port}); err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// Now implements [transport.Clock].
func (m *Machine) Now() int64 { return int64(time.Since(m.start)) + 1 }

// Wall implements [transport.Clock].
func (m *Machine) Wall() int64 { return time.Now().UnixMilli() }

// Log implements [transport.Machine].
func (m *Machine) Log(lines []byte) { _, _ = unix.Write(2, lines) }

// Entropy implements [transport.Machine].
func (m *Machine) Entropy(b []byte) error {
	_, err := rand.Read(b)
	return err
}

// Receive implements [transport.Packets].
func (m *Machine) Receive(b []byte) (int, transport.Addr, error) {
	m.peerLen = unix.SizeofSockaddrInet4
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(m.udp), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_TRUNC, uintptr(unsafe.Pointer(&m.peer)), uintptr(unsafe.Pointer(&m.peerLen)))
	if errno != 0 {
		return 0, transport.Addr{}, failure(errno)
	}
	from := transport.Addr{IP: m.peer.Addr, Port: swap(m.peer.Port)}
	if int(n) > len(b) {
		return len(b), from, transport.ErrTruncated
	}
	return int(n), from, nil
}

// Send implements [transport.Packets].
func (m *Machine) Send(b []byte, to transport.Addr) error {
	m.peer = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.IP, Port: swap(to.Port)}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(m.udp), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		0, uintptr(unsafe.Pointer(&m.peer)), unix.SizeofSockaddrInet4)
	if errno != 0 {
		return failure(errno)
	}
	return nil
}

// Wait implements [transport.Waiter].
func (m *Machine) Wait(deadline int64) { m.wait(m.poll[:1], deadline) }

// Rest implements [transport.Waiter].
func (m *Machine) Rest(deadline int64, conns []transport.Conn) {
	subs := m.poll[:2]
	for _, c := range conns[:min(len(conns), transport.MaxWatched)] {
		subs = append(subs, unix.PollFd{Fd: int32(c), Events: unix.POLLIN})
	}
	m.wait(subs, deadline)
}

func (m *Machine) wait(poll []unix.PollFd, deadline int64) {
	timeout := unix.NsecToTimespec(max(0, deadline-m.Now()))
	// An error is an early return: a signal came. The caller looks at the clock anyway.
	_, _ = unix.Ppoll(poll, &timeout, nil)
}

// Accept implements [transport.Listener].
func (m *Machine) Accept() (transport.Conn, error) {
	fd, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(m.tcp), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return 0, failure(errno)
	}
	return transport.Conn(fd), nil
}

// Dial implements [transport.Dialer].
func (m *Machine) Dial(to transport.Addr) (transport.Conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // without it messages are later, and none is lost
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.IP, Port: int(to.Port)})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return transport.Conn(fd), nil
}

// Local implements [transport.Machine].
func (m *Machine) Local(c transport.Conn) bool {
	peer, err := unix.Getpeername(int(c))
	inet, ok := peer.(*unix.SockaddrInet4)
	return err == nil && ok && inet.Addr[0] == 127
}

// Read implements [transport.Streams].
func (m *Machine) Read(c transport.Conn, b []byte) (int, error) {
	n, err := unix.Read(int(c), b)
	return max(n, 0), errnoFailure(err)
}

// Write implements [transport.Streams].
func (m *Machine) Write(c transport.Conn, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, failure(errno)
	}
	return int(n), nil
}

// Close implements [transport.Streams].
func (m *Machine) Close(c transport.Conn) { _ = unix.Close(int(c)) }

// Shut releases the ports.
func (m *Machine) Shut() error { return errors.Join(unix.Close(m.udp), unix.Close(m.tcp)) }

func failure(errno unix.Errno) error {
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return transport.ErrAgain
	}
	return errno
}

func errnoFailure(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return failure(errno)
	}
	return err
}

// swap turns a port from the byte order of the network into that of the machine, and back.
func swap(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}
