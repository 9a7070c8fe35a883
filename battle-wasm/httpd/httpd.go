package httpd

import (
	"errors"
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// The bounds: how many connections are open at a time, how long one may take for request and answer, and how much is done in one [Server.Pump].
const (
	maxConns    = transport.MaxWatched
	connTimeout = 5e9 // ns
	acceptsPump = 4
	answersPump = 1
)

// Response is an answer to be filled in.
type Response struct {
	// Status is the HTTP status.
	Status int
	// ContentType is the body's type.
	ContentType string
	// Body is appended to.
	Body []byte
	// Later is set by a handler that has no answer yet: it is asked again at each [Server.Pump], for as long as it takes.
	Later bool
}

// Request is a GET.
type Request struct {
	// Path is the path, without a query. It must not be kept.
	Path []byte
	// Conn is the connection that it came by.
	Conn transport.Conn
}

// Handler answers a request. What it appends to r.Body is sent; it must not keep it.
type Handler func(q Request, r *Response)

// Server serves connections. Its zero value is not usable: see [New].
type Server struct {
	streams transport.Listener
	handler Handler
	conns   [maxConns]conn
	scratch Response
	counts  Counts
	silent  [maxConns]transport.Conn
}

// Counts is what the server has done.
type Counts struct {
	// Requests are the answers by class of status: 2xx, 4xx, 5xx.
	OK, ClientErrors, ServerErrors uint64
	// TimedOut are connections that were closed because they took too long, or made room for newer ones.
	TimedOut uint64
}

type conn struct {
	open   bool
	waits  bool // its request is complete, and will be answered later
	id     transport.Conn
	since  int64
	in     [maxRequest]byte
	inLen  int
	out    []byte // empty while the request is read
	outPos int
}

// New returns a server whose requests are answered by handler.
func New(streams transport.Listener, handler Handler) *Server {
	return &Server{streams: streams, handler: handler}
}

// Counts returns what the server has done.
func (s *Server) Counts() Counts { return s.counts }

// Busy says whether a connection is open, so that [Server.Pump] is needed.
func (s *Server) Busy() bool {
	for i := range s.conns {
		if s.conns[i].open {
			return true
		}
	}
	return false
}

// Silent returns the connections whose requests have not come yet, until the next call of any method: when one of them can be read, [Server.Pump] is needed.
func (s *Server) Silent() []transport.Conn {
	silent := s.silent[:0]
	for i := range s.conns {
		if c := &s.conns[i]; c.open && !c.waits && len(c.out) == 0 {
			silent = append(silent, c.id)
		}
	}
	return silent
}

// Pump does what can be done now, and no more than a little: takes a few new connections, reads and writes what is there, answers one request.
func (s *Server) Pump(now int64) {
	for range acceptsPump {
		id, err := s.streams.Accept()
		if err != nil {
			break
		}
		c := s.place()
		*c = conn{open: true, id: id, since: now, out: c.out[:0]}
	}
	answers := answersPump
	for i := range s.conns {
		c := &s.conns[i]
		if !c.open {
			continue
		}
		if !c.waits && now-c.since > connTimeout {
			s.counts.TimedOut++
			s.close(c)
			continue
		}
		if c.waits {
			s.answer(c)
		} else if len(c.out) == 0 && answers > 0 && s.read(c) {
			answers--
		}
		if len(c.out) > 0 {
			s.write(c)
		}
	}
}

// place gives room for a new connection. Where there is none the oldest goes, but none that waits for its answer: whoever holds connections open without a
// request must not keep probes out.
func (s *Server) place() *conn {
	oldest := &s.conns[0]
	for i := range s.conns {
		c := &s.conns[i]
		if !c.open {
			return c
		}
		if oldest.waits || !c.waits && c.since < oldest.since {
			oldest = c
		}
	}
	s.counts.TimedOut++
	s.close(oldest)
	return oldest
}

func (s *Server) close(c *conn) {
	s.streams.Close(c.id)
	c.open = false
}

// read takes in what has come, and reports whether it made an answer of it.
func (s *Server) read(c *conn) bool {
	n, err := s.streams.Read(c.id, c.in[c.inLen:])
	if errors.Is(err, transport.ErrAgain) {
		return false
	}
	if err != nil || n <= 0 {
		s.close(c)
		return false
	}
	c.inLen += n
	return s.answer(c)
}

// answer answers the request that has come so far, and reports whether there is an answer.
func (s *Server) answer(c *conn) bool {
	r, v := parseRequest(c.in[:c.inLen])
	if v == incomplete && c.inLen == len(c.in) {
		v = malformed
	}
	s.scratch = Response{Status: 200, ContentType: "text/plain; charset=utf-8", Body: s.scratch.Body[:0]}
	switch v {
	case incomplete:
		return false
	case complete:
		s.handler(Request{Path: r.path, Conn: c.id}, &s.scratch)
		if c.waits = s.scratch.Later; c.waits {
			return false
		}
	case notAllowed:
		s.scratch.Status = 405
		s.scratch.Body = append(s.scratch.Body, "only GET and HEAD\n"...)
	default:
		s.scratch.Status = 400
		s.scratch.Body = append(s.scratch.Body, "malformed request\n"...)
	}
	s.count()
	c.out = appendResponse(c.out[:0], &s.scratch, r.head)
	return true
}

func (s *Server) count() {
	switch s.scratch.Status / 100 {
	case 2:
		s.counts.OK++
	case 4:
		s.counts.ClientErrors++
	default:
		s.counts.ServerErrors++
	}
}

func (s *Server) write(c *conn) {
	n, err := s.streams.Write(c.id, c.out[c.outPos:])
	if errors.Is(err, transport.ErrAgain) {
		return
	}
	c.outPos += n
	if err != nil || c.outPos == len(c.out) {
		s.close(c)
	}
}

func appendResponse(b []byte, r *Response, head bool) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, ' ')
	b = append(b, reason(r.Status)...)
	b = append(b, "\r\nContent-Type: "...)
	b = append(b, r.ContentType...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.Body)), 10)
	if r.Status == 405 {
		b = append(b, "\r\nAllow: GET, HEAD"...)
	}
	b = append(b, "\r\nConnection: close\r\n\r\n"...)
	if head {
		return b
	}
	return append(b, r.Body...)
}

func reason(status int) string {
	switch status {
	case 200:
		return "OK"
	case 400:
		return "Bad Request"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 503:
		return "Service Unavailable"
	default:
		return "Status"
	}
}
