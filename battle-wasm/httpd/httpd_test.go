package httpd

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// fakeStreams are connections that a test feeds and looks at.
type fakeStreams struct {
	waiting []*fakeConn
	conns   map[transport.Conn]*fakeConn
	next    transport.Conn
	window  int // bytes that a write takes at most
}

type fakeConn struct {
	in, out []byte
	eof     bool
	closed  bool
}

func (f *fakeStreams) dial(in string) *fakeConn {
	c := &fakeConn{in: []byte(in)}
	f.waiting = append(f.waiting, c)
	return c
}

func (f *fakeStreams) Accept() (transport.Conn, error) {
	if len(f.waiting) == 0 {
		return 0, transport.ErrAgain
	}
	f.next++
	f.conns[f.next] = f.waiting[0]
	f.waiting = f.waiting[1:]
	return f.next, nil
}

func (f *fakeStreams) Read(c transport.Conn, b []byte) (int, error) {
	fc := f.conns[c]
	if len(fc.in) == 0 {
		if fc.eof {
			return 0, nil
		}
		return 0, transport.ErrAgain
	}
	n := copy(b, fc.in)
	fc.in = fc.in[n:]
	return n, nil
}

func (f *fakeStreams) Write(c transport.Conn, b []byte) (int, error) {
	if f.window == 0 {
		return 0, transport.ErrAgain
	}
	n := min(len(b), f.window)
	f.conns[c].out = append(f.conns[c].out, b[:n]...)
	return n, nil
}

func (f *fakeStreams) Close(c transport.Conn) { f.conns[c].closed = true }

func newFake() (*fakeStreams, *Server) {
	f := &fakeStreams{conns: map[transport.Conn]*fakeConn{}, window: 1 << 20}
	return f, New(f, func(q Request, r *Response) {
		switch string(q.Path) {
		case "/hello":
			r.Body = append(r.Body, "world\n"...)
		default:
			r.Status = 404
		}
	})
}

func TestServer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in     string
		status string
		body   string
	}{
		"get":                     {"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "world\n"},
		"get of HTTP/1.0":         {"GET /hello HTTP/1.0\r\n\r\n", "200 OK", "world\n"},
		"get with a query":        {"GET /hello?x=1 HTTP/1.1\r\n\r\n", "200 OK", "world\n"},
		"get with no body":        {"GET /hello HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "200 OK", "world\n"},
		"head":                    {"HEAD /hello HTTP/1.1\r\n\r\n", "200 OK", ""},
		"another path":            {"GET /else HTTP/1.1\r\n\r\n", "404 Not Found", ""},
		"post":                    {"POST /hello HTTP/1.1\r\n\r\n", "405 Method Not Allowed", "only GET and HEAD\n"},
		"bare line feeds":         {"GET /hello HTTP/1.1\n\n", "400 Bad Request", "malformed request\n"},
		"another protocol":        {"GET /hello HTTP/2.0\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"no protocol":             {"GET /hello\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"no path":                 {"GET  HTTP/1.1\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"a relative path":         {"GET hello HTTP/1.1\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"a header without a name": {"GET /hello HTTP/1.1\r\n: x\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"a folded header":         {"GET /hello HTTP/1.1\r\nA: x\r\n y\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"a body":                  {"GET /hello HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "400 Bad Request", "malformed request\n"},
		"a chunked body":          {"GET /hello HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"two requests":            {"GET /hello HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\n\r\n", "400 Bad Request", "malformed request\n"},
		"TLS":                     {"\x16\x03\x01\x02\x00\x01\x00", "400 Bad Request", "malformed request\n"},
		"too large":               {"GET /" + strings.Repeat("a", maxRequest), "400 Bad Request", "malformed request\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := newFake()
			c := f.dial(tt.in)
			s.Pump(0)
			method := "GET"
			if strings.HasPrefix(tt.in, "HEAD") {
				method = "HEAD"
			}
			res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(c.out)), &http.Request{Method: method})
			require.NoError(t, err)
			var body bytes.Buffer
			_, err = body.ReadFrom(res.Body)
			require.NoError(t, err)
			require.Equal(t, tt.status, res.Status)
			require.Equal(t, tt.body, body.String())
			require.True(t, res.Close)
			require.True(t, c.closed)
		})
	}
}

func TestRequestAndAnswerInPieces(t *testing.T) {
	t.Parallel()
	f, s := newFake()
	f.window = 7
	c := f.dial("")
	for _, b := range []byte("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n") {
		require.Empty(t, c.out)
		c.in = []byte{b}
		s.Pump(0)
	}
	for range 100 {
		s.Pump(0)
	}
	require.True(t, c.closed)
	require.True(t, bytes.HasSuffix(c.out, []byte("\r\n\r\nworld\n")), "%q", c.out)
	require.Equal(t, Counts{OK: 1}, s.Counts())
}

func TestSlowAndSilentConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	f, s := newFake()
	silent := f.dial("")
	slow := f.dial("GET /hel")
	s.Pump(0)
	s.Pump(connTimeout)
	require.False(t, silent.closed || slow.closed)
	s.Pump(connTimeout + 1)
	require.True(t, silent.closed && slow.closed)
	require.Equal(t, Counts{TimedOut: 2}, s.Counts())
}

func TestHeldConnectionsDoNotKeepProbesOut(t *testing.T) {
	t.Parallel()
	f, s := newFake()
	var held []*fakeConn
	for i := range int64(maxConns) {
		held = append(held, f.dial("GET /"))
		s.Pump(i)
	}
	probe := f.dial("GET /hello HTTP/1.1\r\n\r\n")
	s.Pump(100)
	require.Contains(t, string(probe.out), "200 OK")
	require.True(t, held[0].closed)
	require.False(t, held[1].closed)
}

func TestPumpIsBounded(t *testing.T) {
	t.Parallel()
	f, s := newFake()
	for range 10 {
		f.dial("GET /hello HTTP/1.1\r\n\r\n")
	}
	s.Pump(0)
	require.Len(t, f.waiting, 10-acceptsPump)
	require.EqualValues(t, answersPump, s.Counts().OK)
	for range 20 {
		s.Pump(0)
	}
	require.EqualValues(t, 10, s.Counts().OK)
}

func TestPeerThatGoesAway(t *testing.T) {
	t.Parallel()
	f, s := newFake()
	c := f.dial("")
	c.eof = true
	s.Pump(0)
	require.True(t, c.closed)
	require.Equal(t, Counts{}, s.Counts())
}

func TestServingDoesNotAllocate(t *testing.T) {
	s := New(&loopStreams{in: "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"}, func(_ Request, r *Response) { r.Body = append(r.Body, "world\n"...) })
	require.Zero(t, testing.AllocsPerRun(1000, func() { s.Pump(0) }))
	require.Greater(t, s.Counts().OK, uint64(900))
}

// loopStreams is one connection after the other, all alike.
type loopStreams struct {
	in   string
	read bool
}

func (l *loopStreams) Accept() (transport.Conn, error) {
	l.read = false
	return 1, nil
}

func (l *loopStreams) Read(_ transport.Conn, b []byte) (int, error) {
	if l.read {
		return 0, errors.ErrUnsupported
	}
	l.read = true
	return copy(b, l.in), nil
}

func (l *loopStreams) Write(_ transport.Conn, b []byte) (int, error) { return len(b), nil }

func (l *loopStreams) Close(transport.Conn) {}

// FuzzRequest holds the parser to this: what it takes for a whole request is one to net/http as well, with the same path; and more bytes never
// turn a malformed request into a good one.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET /hello?x HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("HEAD / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, v := parseRequest(b)
		for n := range len(b) {
			if _, early := parseRequest(b[:n]); early == malformed && v != malformed {
				t.Errorf("%q is malformed, but %q is not", b[:n], b)
			}
		}
		if v != complete {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			// net/http also decodes the path and looks into the values of some headers, which this parser has no use for.
			if !bytes.ContainsAny(b, "%:") {
				t.Errorf("%q: %v", b, err)
			}
			return
		}
		if got := string(r.path); want.URL.EscapedPath() != got && !strings.ContainsAny(got, "#%") && want.RequestURI[:len(got)] != got {
			t.Errorf("%q: path %q, want %q", b, got, want.URL.Path)
		}
		if want.ContentLength != 0 {
			t.Errorf("%q has a body", b)
		}
	})
}

func TestAnAnswerThatTakesItsTime(t *testing.T) {
	t.Parallel()
	f := &fakeStreams{conns: map[transport.Conn]*fakeConn{}, window: 1 << 20}
	ready, asked := false, 0
	s := New(f, func(q Request, r *Response) {
		asked++
		if r.Later = string(q.Path) == "/slow" && !ready; !r.Later {
			r.Body = append(r.Body, "done\n"...)
		}
	})
	slow := f.dial("GET /slow HTTP/1.1\r\n\r\n")
	now := int64(0)
	for range 10 {
		now += connTimeout
		s.Pump(now)
	}
	require.Equal(t, 10, asked)
	require.False(t, slow.closed)
	require.True(t, s.Busy())

	// A crowd that asks for nothing pushes out its own, and not the one that waits.
	for range 3 * maxConns {
		f.dial("")
		s.Pump(now)
	}
	require.False(t, slow.closed)
	ready = true
	s.Pump(now)
	require.True(t, slow.closed)
	require.Contains(t, string(slow.out), "200 OK")
	require.True(t, strings.HasSuffix(string(slow.out), "done\n"))
}
