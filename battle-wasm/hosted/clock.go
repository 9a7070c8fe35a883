//go:build linux

package hosted

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Constants and layouts of WASI's poll_oneoff and clocks.
const (
	monotonic = 1
	absolute  = 1

	clockEvent       = 0
	subscriptionSize = 48
	eventSize        = 32
	statSize         = 24
)

func (h *host) now() int64 { return int64(time.Since(h.start)) + 1 }

func (h *host) clock(m api.Module, args []uint64) uint32 {
	now := h.now()
	if uint32(args[0]) != monotonic {
		now = time.Now().UnixNano()
	}
	if !m.Memory().WriteUint64Le(uint32(args[2]), uint64(now)) {
		return fault
	}
	return success
}

// poll waits for the first of the module's subscriptions. It tells of one event that says nothing: whoever waits tries what it wants to do.
func (h *host) poll(m api.Module, args []uint64) uint32 {
	subs, events := bytes(m, args[0], args[2]*subscriptionSize), bytes(m, args[1], eventSize)
	if len(subs) == 0 || events == nil {
		return invalid
	}
	deadline, packets, streams := int64(math.MaxInt64), false, false
	h.watched = h.watched[:0]
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		at := binary.LittleEndian.Uint32(subs[16:])
		switch {
		case subs[8] == clockEvent:
			d := int64(binary.LittleEndian.Uint64(subs[24:]))
			if binary.LittleEndian.Uint16(subs[40:])&absolute == 0 {
				d += h.now()
			}
			deadline = min(deadline, d)
		case at == packetsFd:
			packets = true
		case at == streamsFd:
			streams = true
		default:
			if conn, ok := h.conn(uint64(at)); ok {
				h.watched = append(h.watched, conn)
			}
		}
	}
	h.wait(deadline, packets, streams)
	clear(events)
	return put(m, args[3], 1)
}

func (h *host) wait(deadline int64, packets, streams bool) {
	left := deadline - h.now()
	switch {
	case left <= 0 && !packets:
	case h.machine == nil || !packets:
		time.Sleep(time.Duration(left))
	case streams:
		h.machine.Rest(h.machine.Now()+left, h.watched)
	default:
		h.machine.Wait(h.machine.Now() + left)
	}
}

// stat says of every descriptor that nothing is set: package wasi asks so as to add that it must not block, which no socket here does.
func (h *host) stat(m api.Module, args []uint64) uint32 {
	b := bytes(m, args[1], statSize)
	if b == nil {
		return fault
	}
	clear(b)
	return success
}

// close closes a connection. The one file that the server reads stays open: it is closed with the process.
func (h *host) close(_ api.Module, args []uint64) uint32 {
	conn, ok := h.conn(args[0])
	switch {
	case ok:
		h.machine.Close(conn)
	case args[0] >= packetsFd:
		return badFd
	}
	if args[0] == dialedFd {
		h.dialed = 0
	}
	return success
}
