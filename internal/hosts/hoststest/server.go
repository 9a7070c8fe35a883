// Package hoststest runs an SSH server within a test, which answers commands as the test says.
package hoststest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/edge-arena/edge-arena/modules/config"
)

// Answer is what a command of a client's gets back.
type Answer struct {
	Stdout, Stderr string
	// Status is the command's exit status.
	Status uint32
}

// Server is one running SSH server.
type Server struct {
	// Endpoint is how to reach it. One dial may take 5 s, and three are made.
	Endpoint config.Endpoint
	// Drop is how many connections are closed without a word before the first that is served.
	Drop atomic.Int64

	answer func(command, stdin string) Answer
	client ssh.PublicKey
	dials  atomic.Int64
}

// Start runs a server until the end of the test. It lets root in with the endpoint's key, and answers each command as told.
func Start(t *testing.T, answer func(command, stdin string) Answer) *Server {
	t.Helper()
	client, clientKey := newKey(t)
	host, _ := newKey(t)
	s := &Server{answer: answer, client: client.PublicKey()}
	login := &ssh.ServerConfig{
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if meta.User() != "root" || !bytes.Equal(key.Marshal(), s.client.Marshal()) {
				return nil, errors.New("unknown user or key")
			}
			return &ssh.Permissions{}, nil
		},
	}
	login.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	s.Endpoint = config.Endpoint{
		Address: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, User: "root", PrivateKey: clientKey,
		HostKey: string(ssh.MarshalAuthorizedKey(host.PublicKey())), DialTimeout: 5 * time.Second, DialAttempts: 3,
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if s.dials.Add(1) <= s.Drop.Load() {
				_ = conn.Close()
				continue
			}
			go s.serve(conn, login)
		}
	}()
	return s
}

// Dials is how many connections have come in.
func (s *Server) Dials() int64 { return s.dials.Load() }

// NewClientKey returns a private key that no server lets in.
func NewClientKey(t *testing.T) string {
	t.Helper()
	_, key := newKey(t)
	return key
}

// NewHostKey returns a public key that is no server's.
func NewHostKey(t *testing.T) string {
	t.Helper()
	key, _ := newKey(t)
	return string(ssh.MarshalAuthorizedKey(key.PublicKey()))
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	require.NoError(t, err)
	return signer, string(pem.EncodeToMemory(block))
}

func (s *Server) serve(conn net.Conn, login *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, login)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go s.session(channel, requests)
	}
}

func (s *Server) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		go func() {
			defer func() { _ = channel.Close() }()
			var exec struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &exec)
			stdin, _ := io.ReadAll(channel)
			a := s.answer(exec.Command, string(stdin))
			_, _ = io.WriteString(channel.Stderr(), a.Stderr)
			_, _ = io.WriteString(channel, a.Stdout)
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{a.Status}))
		}()
	}
}
