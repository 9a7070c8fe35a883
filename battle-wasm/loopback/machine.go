// Package loopback plays battles in one process and in no time: a real battle server, players who send it real packets, and between them a network that delays and
// loses packets as it is told to. The same seed gives the same battle, so what it measures in bytes and packets can be had again; what it measures in
// time is the server's own work, without any system call.
package loopback

import (
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// machine is what the server runs on. Its time is moved by the [World]; what the server sends goes to deliver.
type machine struct {
	now     int64
	random  uint64
	deliver func(to transport.Addr, b []byte)
	count   *Load // counts what is sent, in place of deliver
}

var _ transport.Machine = (*machine)(nil)

// epoch is when its time began, in ms since 1970.
const epoch = int64(1.7e12)

func (m *machine) Now() int64  { return m.now }
func (m *machine) Wall() int64 { return epoch + m.now/1e6 }

func (m *machine) Send(b []byte, to transport.Addr) error {
	if m.count != nil {
		m.count.Sent++
		m.count.Bytes += len(b)
		return nil
	}
	m.deliver(to, b)
	return nil
}

func (m *machine) Entropy(b []byte) error {
	for i := range b {
		b[i] = byte(next(&m.random))
	}
	return nil
}

func (m *machine) Receive([]byte) (int, transport.Addr, error) {
	return 0, transport.Addr{}, transport.ErrAgain
}
func (m *machine) Wait(int64)                               {}
func (m *machine) Rest(int64, []transport.Conn)             {}
func (m *machine) Accept() (transport.Conn, error)          { return 0, transport.ErrAgain }
func (m *machine) Read(transport.Conn, []byte) (int, error) { return 0, transport.ErrAgain }
func (m *machine) Write(transport.Conn, []byte) (int, error) {
	return 0, transport.ErrAgain
}
func (m *machine) Close(transport.Conn)                        {}
func (m *machine) Dial(transport.Addr) (transport.Conn, error) { return 0, transport.ErrAgain }
func (m *machine) Local(transport.Conn) bool                   { return false }
func (m *machine) Log([]byte)                                  {}

// next is a splitmix64 generator.
func next(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives a number below n.
func below(state *uint64, n int) int { return int(next(state) >> 33 % uint64(n)) }
