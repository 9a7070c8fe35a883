package nats

import (
	"bytes"

	"github.com/edge-arena/edge-arena/battle-wasm/ascii"
)

// parser takes the server's bytes apart, however they come.
type parser struct {
	conn *Conn
	line []byte // of the current line, without its end

	subject []byte // of the message whose payload comes
	payload []byte
	missing int // bytes of payload and its CR LF that have not come; 0 between messages
	head    int // how many of the payload's are headers
	inFrame bool
}

func (p *parser) reset() {
	p.line, p.subject, p.payload = p.line[:0], p.subject[:0], p.payload[:0]
	p.missing, p.head, p.inFrame = 0, 0, false
}

// feed takes bytes in. It says whether they are of the protocol, and no refusal; otherwise the connection is of no more use.
func (p *parser) feed(b []byte) bool {
	for len(b) > 0 {
		if p.inFrame {
			n := min(p.missing, len(b))
			p.payload = append(p.payload, b[:n]...)
			p.missing -= n
			b = b[n:]
			if p.missing == 0 && !p.frame() {
				return false
			}
			continue
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.line = append(p.line, b...)
			return len(p.line) <= maxLine
		}
		p.line = append(p.line, b[:i]...)
		b = b[i+1:]
		if len(p.line) > maxLine || !p.command(bytes.TrimSuffix(p.line, []byte("\r"))) {
			return false
		}
		p.line = p.line[:0]
	}
	return true
}

// command takes one line of the server.
func (p *parser) command(line []byte) bool {
	name, rest, _ := bytes.Cut(line, []byte(" "))
	switch {
	case ascii.Equal(name, "info"):
		p.conn.greeted()
	case ascii.Equal(name, "ping"):
		p.conn.out = append(p.conn.out, "PONG\r\n"...)
	case ascii.Equal(name, "pong"):
		p.conn.ponged()
	case ascii.Equal(name, "+ok"):
	case ascii.Equal(name, "msg"):
		return p.begin(rest, false)
	case ascii.Equal(name, "hmsg"):
		return p.begin(rest, true)
	case ascii.Equal(name, "-err"):
		// One that is about a single message leaves the connection as it is, and the server says so; after any other it hangs up.
		const single = "'permissions violation"
		return len(rest) >= len(single) && ascii.Equal(rest[:len(single)], single)
	default:
		return false
	}
	return true
}

// begin reads `subject sid [reply] [size of headers] size`.
func (p *parser) begin(args []byte, headers bool) bool {
	var all [6][]byte
	fields := all[:0]
	for word, rest := ascii.Field(args); len(word) > 0 && len(fields) < len(all); word, rest = ascii.Field(rest) {
		fields = append(fields, word)
	}
	sizes := 1
	if headers {
		sizes = 2
	}
	if len(fields) != 2+sizes && len(fields) != 3+sizes {
		return false
	}
	total, ok := number(fields[len(fields)-1])
	if !ok {
		return false
	}
	p.head = 0
	if headers {
		if p.head, ok = number(fields[len(fields)-2]); !ok || p.head > total {
			return false
		}
	}
	p.subject = append(p.subject[:0], fields[0]...)
	p.payload = p.payload[:0]
	p.missing, p.inFrame = total+2, true
	return true
}

// frame hands a whole message on, without its headers: a message of headers alone, such as the one that says that nobody listens, has an empty payload.
func (p *parser) frame() bool {
	p.inFrame = false
	n := len(p.payload) - 2
	if string(p.payload[n:]) != "\r\n" {
		return false
	}
	p.conn.message(p.subject, p.payload[p.head:n])
	return true
}

// number reads a size.
func number(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > maxPayload {
			return 0, false
		}
	}
	return n, len(b) > 0
}
