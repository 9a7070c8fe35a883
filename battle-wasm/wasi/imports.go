//go:build wasip1

package wasi

import "unsafe"

// The constants of WASI preview 1, and of WasmEdge's extension.
const (
	familyInet4 = 1
	sockDgram   = 1
	sockStream  = 2

	levelSocket      = 0
	optReuseAddr     = 0
	optReceiveBuffer = 5

	recvTruncated = 1

	nonblocking = 1 << 2

	clockRealtime  = 0
	clockMonotonic = 1
	clockAbsolute  = 1
	eventClock     = 0
	eventFdRead    = 1
)

// address points to the bytes of an address.
type address struct{ buf, size uint32 }

// iovec points to the bytes of a message.
type iovec struct{ buf, size uint32 }

// subscription is what poll_oneoff waits for: a file descriptor, or a clock in its place.
type subscription struct {
	user       uint64
	tag        uint8
	_          [7]byte
	fd         uint32 // or the clock's id
	_          uint32
	timeout    uint64
	precision  uint64
	clockFlags uint16
	_          [6]byte
}

// event is what poll_oneoff tells. Nothing of it is read: the caller tries what it wants to do.
type event struct{ _ [32]byte }

// ptr is the address of something in the module's memory. Go's pointers are 64 bits wide, the host's 32. It must be in the heap, as all that
// the server sends and receives is: what is on a goroutine's stack may move.
func ptr[T any](p *T) uint32 { return uint32(uintptr(unsafe.Pointer(p))) }

//go:wasmimport wasi_snapshot_preview1 sock_open_v2
//go:noescape
func sockOpen(family, kind uint32, fd unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_bind_v2
//go:noescape
func sockBind(fd int32, addr unsafe.Pointer, port uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_listen_v2
//go:noescape
func sockListen(fd int32, backlog uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_connect_v2
//go:noescape
func sockConnect(fd int32, addr unsafe.Pointer, port uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_getpeeraddr_v2
//go:noescape
func sockGetPeerAddr(fd int32, addr, port unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_accept_v2
//go:noescape
func sockAccept(fd int32, flags uint32, conn unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_recv_v2
//go:noescape
func sockRecv(fd int32, vec unsafe.Pointer, vecs, flags uint32, n, outFlags unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_recv_from_v2
//go:noescape
func sockRecvFrom(fd int32, vec unsafe.Pointer, vecs uint32, addr unsafe.Pointer, flags uint32, port, n, outFlags unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_send_v2
//go:noescape
func sockSend(fd int32, vec unsafe.Pointer, vecs, flags uint32, n unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_send_to_v2
//go:noescape
func sockSendTo(fd int32, vec unsafe.Pointer, vecs uint32, addr unsafe.Pointer, port, flags uint32, n unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_setsockopt
//go:noescape
func sockSetOpt(fd int32, level, name uint32, value unsafe.Pointer, size uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_set_flags
//go:noescape
func fdSetFlags(fd int32, flags uint32) uint32

//go:wasmimport wasi_snapshot_preview1 poll_oneoff
//go:noescape
func pollOneoff(subs, events unsafe.Pointer, count uint32, n unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 clock_time_get
//go:noescape
func clockTimeGet(id uint32, precision uint64, time unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 random_get
//go:noescape
func randomGet(buf unsafe.Pointer, size uint32) uint32
