// Package httpd is the least of an HTTP/1.1 server that probes and Prometheus need: GET, no bodies, one request per connection.
//
// It never blocks and its memory is fixed, so that it can run in the gaps of a tick loop: see [Server.Pump].
package httpd

import (
	"bytes"

	"github.com/edge-arena/edge-arena/battle-wasm/ascii"
)

// maxRequest is the most bytes of a request. Probes and Prometheus send some 300.
const maxRequest = 2048

// verdict says what a request's bytes are so far.
type verdict uint8

const (
	incomplete verdict = iota
	complete
	malformed
	notAllowed // well-formed, but neither GET nor HEAD
)

// request is what matters of a request.
type request struct {
	path []byte // without the query
	head bool   // the answer has no body
}

// parseRequest reads the bytes that have come so far. It is strict: a line without CR LF, a control byte, a header without a name, a body, another
// protocol are malformed.
func parseRequest(b []byte) (request, verdict) {
	line, rest, ok := cutLine(b)
	if !ok {
		return request{}, pending(b)
	}
	r, v := parseStart(line)
	if v == malformed {
		return request{}, malformed
	}
	for {
		line, rest, ok = cutLine(rest)
		switch {
		case !ok:
			if v := pending(rest); v == malformed {
				return request{}, malformed
			}
			return request{}, incomplete
		case len(line) == 0:
			if len(rest) > 0 {
				return request{}, malformed // a body, or a second request that would get no answer
			}
			return r, v
		case !validHeader(line):
			return request{}, malformed
		}
	}
}

// pending is the verdict on a line whose end has not come.
func pending(b []byte) verdict {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	if !printable(b) {
		return malformed
	}
	return incomplete
}

func cutLine(b []byte) (line, rest []byte, ok bool) {
	i := bytes.Index(b, []byte("\r\n"))
	if i < 0 {
		return nil, b, false
	}
	return b[:i], b[i+2:], true
}

func parseStart(line []byte) (request, verdict) {
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !token(method) {
		return request{}, malformed
	}
	target, protocol, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(target) == 0 || target[0] != '/' || !printable(target) {
		return request{}, malformed
	}
	if p := string(protocol); p != "HTTP/1.1" && p != "HTTP/1.0" {
		return request{}, malformed
	}
	path, _, _ := bytes.Cut(target, []byte("?"))
	r := request{path: path, head: string(method) == "HEAD"}
	if !r.head && string(method) != "GET" {
		return r, notAllowed
	}
	return r, complete
}

// validHeader is whether a line is a header, and not one that announces a body.
func validHeader(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !token(name) || !printable(value) {
		return false
	}
	switch {
	case ascii.Equal(name, "transfer-encoding"):
		return false
	case ascii.Equal(name, "content-length"):
		return string(ascii.Trim(value)) == "0"
	}
	return true
}

// token is whether b is a name in the sense of HTTP: at least one character, none that separates.
func token(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte(`"(),/:;<=>?@[\]{}`), c) >= 0 {
			return false
		}
	}
	return len(b) > 0
}

// printable is whether b holds no control bytes but tabs.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
