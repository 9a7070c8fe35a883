package nats

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// fakeNet is the network as a test wants it.
type fakeNet struct {
	refuse bool   // connections
	in     string // what the server has said
	chunk  int    // bytes that a read takes at most; 0 is all
	hungUp bool
	window int // bytes that a write takes at most; -1 is all
	out    []byte
	dials  int
	closes int
	to     transport.Addr
}

func (f *fakeNet) Dial(to transport.Addr) (transport.Conn, error) {
	f.dials++
	f.to = to
	if f.refuse {
		return 0, errors.New("refused")
	}
	return 1, nil
}

func (f *fakeNet) Read(_ transport.Conn, b []byte) (int, error) {
	if f.in == "" {
		if f.hungUp {
			return 0, nil
		}
		return 0, transport.ErrAgain
	}
	if f.chunk > 0 {
		b = b[:min(f.chunk, len(b))]
	}
	n := copy(b, f.in)
	f.in = f.in[n:]
	return n, nil
}

func (f *fakeNet) Write(_ transport.Conn, b []byte) (int, error) {
	n := len(b)
	if f.window >= 0 {
		n = min(n, f.window)
		f.window -= n
	}
	if n == 0 {
		return 0, transport.ErrAgain
	}
	f.out = append(f.out, b[:n]...)
	return n, nil
}

func (f *fakeNet) Close(transport.Conn) { f.closes++ }

func (f *fakeNet) written() string {
	s := string(f.out)
	f.out = nil
	return s
}

type heard struct{ subject, payload string }

// newConn returns a client whose inbox is kept.
func newConn(f *fakeNet) (*Conn, *[]heard) {
	var inbox []heard
	c := New(f, Options{
		Address: transport.Addr{IP: [4]byte{10, 43, 0, 7}, Port: 4222}, User: "battle", Password: "pw", Name: "pod-1", Inbox: "_INBOX.battle.1.",
		Handler: func(subject, payload []byte) { inbox = append(inbox, heard{string(subject), string(payload)}) },
	})
	return c, &inbox
}

const info = `INFO {"server_id":"x","headers":true,"max_payload":1048576}` + "\r\n"

// connect brings a client to ready.
func connect(t *testing.T, f *fakeNet, c *Conn, now int64) {
	t.Helper()
	f.in = info
	c.Pump(now)
	require.Equal(t, `CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"edge-arena","version":"1","protocol":1,`+
		`"name":"pod-1","user":"battle","pass":"pw"}`+"\r\nSUB _INBOX.battle.1.> 1\r\nPING\r\n", f.written())
	require.False(t, c.Ready())
	f.in = "PONG\r\n"
	c.Pump(now)
	require.True(t, c.Ready())
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	f := &fakeNet{window: -1}
	c, _ := newConn(f)
	require.False(t, c.Publish("s", "", nil, nil))
	connect(t, f, c, 0)
	require.Equal(t, transport.Addr{IP: [4]byte{10, 43, 0, 7}, Port: 4222}, f.to)
	require.Equal(t, Counts{Connects: 1, Dropped: 1}, c.Counts())
}

func TestPublish(t *testing.T) {
	t.Parallel()
	f := &fakeNet{window: -1}
	c, _ := newConn(f)
	connect(t, f, c, 0)
	require.True(t, c.Publish("battle.results.p", "7", []Header{{"Nats-Msg-Id", []byte("ab")}, {"Mac", []byte("1:c")}}, []byte("{}")))
	require.True(t, c.Publish("battle.presence.p", "", nil, []byte("xyz")))
	c.Pump(1)
	require.Equal(t, "HPUB battle.results.p _INBOX.battle.1.7 39 41\r\nNATS/1.0\r\nNats-Msg-Id: ab\r\nMac: 1:c\r\n\r\n{}\r\n"+
		"HPUB battle.presence.p 12 15\r\nNATS/1.0\r\n\r\nxyz\r\n", f.written())
}

func TestWhatWaitsIsBounded(t *testing.T) {
	t.Parallel()
	f := &fakeNet{window: -1}
	c, _ := newConn(f)
	connect(t, f, c, 0)
	f.window = 10
	taken := 0
	for c.Publish("s", "", nil, make([]byte, 1000)) {
		taken++
		c.Pump(1)
	}
	require.InDelta(t, outLimit/1000, taken, 5)
	require.EqualValues(t, 1, c.Counts().Dropped)
	f.window = -1
	c.Pump(2)
	require.Equal(t, taken, strings.Count(f.written(), "PUB "), "what was taken is written in order, whatever the writes were cut to")
	require.True(t, c.Publish("s", "", nil, nil))
}

func TestInbox(t *testing.T) {
	t.Parallel()
	for _, chunk := range []int{0, 1, 7} {
		f := &fakeNet{window: -1}
		c, inbox := newConn(f)
		connect(t, f, c, 0)
		f.chunk = chunk
		f.in = "MSG _INBOX.battle.1.7 1 11\r\n{\"seq\":\r\n1}\r\nPING\r\nHMSG _INBOX.battle.1.8 1 reply 30 30\r\nNATS/1.0 503 No Responders\r\n\r\n\r\n" +
			"MSG another.subject 1 2\r\nno\r\n" + info + "+OK\r\n-ERR 'Permissions Violation for Publish to \"x\"'\r\nMSG _INBOX.battle.1.9 1 0\r\n\r\n"
		for f.in != "" {
			c.Pump(1)
		}
		c.Pump(1)
		require.Equal(t, []heard{{"7", "{\"seq\":\r\n1}"}, {"8", ""}, {"9", ""}}, *inbox, chunk)
		require.Equal(t, "PONG\r\n", f.written())
		require.True(t, c.Ready())
	}
}

func TestWhatEndsAConnection(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a wrong password":            "-ERR 'Authorization Violation'\r\n",
		"a command that there is not": "HELLO\r\n",
		"a message without a size":    "MSG a 1\r\n",
		"a size that is none":         "MSG a 1 x\r\n",
		"a size without end":          "MSG a 1 99999999999999999999\r\n",
		"headers beyond the message":  "HMSG a 1 5 4\r\n",
		"a message that is longer":    "MSG a 1 2\r\nabcdef\r\n",
		"a line without end":          strings.Repeat("x", maxLine+1),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeNet{window: -1}
			c, _ := newConn(f)
			connect(t, f, c, 0)
			f.in = in
			for f.in != "" && c.Ready() {
				c.Pump(1)
			}
			require.False(t, c.Ready())
			require.Equal(t, 1, f.closes)
			f.in = ""
			connect(t, f, c, second) // and it comes back
		})
	}
}

func TestItTriesAgainAndAgain(t *testing.T) {
	t.Parallel()
	f := &fakeNet{refuse: true, window: -1}
	c, _ := newConn(f)
	for now := int64(0); now < 60*second; now += second / 100 {
		c.Pump(now)
	}
	// After 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 s, then each 5 s.
	require.InDelta(t, 17, f.dials, 1)
	f.refuse = false
	connect(t, f, c, 70*second)
	f.hungUp = true
	c.Pump(71 * second)
	require.False(t, c.Ready())
	f.hungUp = false
	connect(t, f, c, 71*second+firstPause) // after a success the pauses begin anew
}

func TestAServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	f := &fakeNet{window: -1}
	c, _ := newConn(f)
	c.Pump(0)
	c.Pump(handshakeLimit)
	require.Zero(t, f.closes)
	c.Pump(handshakeLimit + 1)
	require.Equal(t, 1, f.closes, "no INFO")

	now := 100 * second
	connect(t, f, c, now)
	c.Pump(now + pingEvery)
	require.Empty(t, f.written())
	c.Pump(now + pingEvery + 1)
	c.Pump(now + pingEvery + 2)
	require.Equal(t, "PING\r\n", f.written(), "once")
	f.in = "PONG\r\n"
	now += pingEvery + 3
	c.Pump(now)
	c.Pump(now + silenceLimit)
	require.True(t, c.Ready())
	c.Pump(now + silenceLimit + 1)
	require.False(t, c.Ready())
	require.Equal(t, 2, f.closes)
}

func TestClose(t *testing.T) {
	t.Parallel()
	f := &fakeNet{window: -1}
	c, _ := newConn(f)
	connect(t, f, c, 0)
	c.Close()
	c.Pump(3600 * second)
	require.Equal(t, 1, f.dials)
	require.Equal(t, 1, f.closes)
}

// FuzzServer holds the parser to this: whatever a server says, in whatever pieces, nothing is read twice, memory is bounded, and the pieces make no difference.
func FuzzServer(f *testing.F) {
	f.Add("MSG _INBOX.battle.1.7 1 2\r\n{}\r\nPING\r\n", byte(1))
	f.Add("HMSG _INBOX.battle.1.8 1 r 12 14\r\nNATS/1.0\r\n\r\nab\r\n", byte(3))
	f.Add("-ERR 'x'\r\n", byte(2))
	f.Fuzz(func(t *testing.T, said string, chunk byte) {
		hear := func(chunk int) ([]heard, bool) {
			net := &fakeNet{window: -1}
			c, inbox := newConn(net)
			connect(t, net, c, 0)
			net.in, net.chunk = said, chunk
			for net.in != "" && c.Ready() {
				c.Pump(1)
			}
			if len(c.in.line) > maxLine || len(c.in.payload) > maxPayload+2 {
				t.Errorf("%d bytes of a line and %d of a message are kept", len(c.in.line), len(c.in.payload))
			}
			return *inbox, c.Ready()
		}
		whole, up := hear(0)
		pieces, stillUp := hear(int(chunk%16) + 1)
		require.Equal(t, up, stillUp)
		require.Equal(t, whole, pieces)
	})
}
