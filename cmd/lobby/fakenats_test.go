package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeNATS speaks as much of the protocol as a subscriber needs: it takes the log-in, notes subscriptions, and sends what the test says. A real server
// is what the e2e suite has.
type fakeNATS struct {
	t        *testing.T
	listener net.Listener

	mu       sync.Mutex
	conns    []net.Conn
	subs     map[string]string // sid by subject
	login    string
	connects int
}

func startNATS(t *testing.T) *fakeNATS {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fakeNATS{t: t, listener: l, subs: map[string]string{}}
	t.Cleanup(func() { _ = l.Close(); f.hangUp() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.talk(c)
		}
	}()
	return f
}

func (f *fakeNATS) url() string { return "nats://" + f.listener.Addr().String() }

func (f *fakeNATS) talk(c net.Conn) {
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.subs = map[string]string{}
	f.connects++
	f.mu.Unlock()
	_, _ = fmt.Fprint(c, `INFO {"server_id":"F","server_name":"fake","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576}`+"\r\n")
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		f.mu.Lock()
		switch words[0] {
		case "CONNECT":
			f.login = lines.Text()
		case "PING":
			_, _ = fmt.Fprint(c, "PONG\r\n")
		case "SUB":
			f.subs[words[1]] = words[len(words)-1]
		}
		f.mu.Unlock()
	}
}

// send delivers a message with a MAC to who has subscribed to the pattern.
func (f *fakeNATS) send(pattern, subject, mac string, data []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	sid, ok := f.subs[pattern]
	if !ok {
		return false
	}
	header := "NATS/1.0\r\nEdge-Arena-Mac: " + mac + "\r\n\r\n"
	_, err := fmt.Fprintf(f.conns[len(f.conns)-1], "HMSG %s %s %d %d\r\n%s%s\r\n", subject, sid, len(header), len(header)+len(data), header, data)
	return err == nil
}

// hangUp ends all connections.
func (f *fakeNATS) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.subs = map[string]string{}
}
