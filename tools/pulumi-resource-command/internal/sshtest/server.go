// Package sshtest runs SSH servers within a test: with fresh keys, on ports that the system chooses, running commands by sh on this
// machine.
package sshtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// Server is one running SSH server.
type Server struct {
	// Host and Port are where it listens.
	Host string
	Port int
	// HostKey is its public key, as in known_hosts.
	HostKey string
	// ClientKey is the private key, in PEM, that it lets in.
	ClientKey string
	// Password is the password that it lets in.
	Password string

	options  Options
	client   ssh.PublicKey
	dials    atomic.Int64
	forwards atomic.Int64

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]struct{}
	commands sync.WaitGroup
}

// Options are how a Server differs from the usual.
type Options struct {
	// AcceptEnv is whether clients may set environment variables.
	AcceptEnv bool
	// Drop is how many connections are closed without a word before the first that is served.
	Drop int
	// Silent makes it accept connections and never say a word.
	Silent bool
}

// Start runs a server until the end of the test.
func Start(t *testing.T, options Options) *Server {
	t.Helper()
	clientKey, clientPEM := newKey(t)
	hostKey, _ := newKey(t)
	s := &Server{
		ClientKey: clientPEM, Password: rand.Text(), HostKey: string(ssh.MarshalAuthorizedKey(hostKey.PublicKey())),
		options: options, client: clientKey.PublicKey(), conns: map[net.Conn]struct{}{},
	}
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), s.client.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return &ssh.Permissions{}, nil
		},
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if subtle.ConstantTimeCompare(password, []byte(s.Password)) == 0 {
				return nil, errors.New("wrong password")
			}
			return &ssh.Permissions{}, nil
		},
	}
	config.AddHostKey(hostKey)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.listener = listener
	host, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	s.Host = host
	s.Port, err = strconv.Atoi(port)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	go s.accept(config)
	return s
}

// Stop closes the server and every connection, and waits for the commands that ran. It may be called again.
func (s *Server) Stop() {
	s.mu.Lock()
	_ = s.listener.Close()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.commands.Wait()
}

// Dials is how many connections have come in.
func (s *Server) Dials() int { return int(s.dials.Load()) }

// Forwards is how many connections have gone through it to elsewhere.
func (s *Server) Forwards() int { return int(s.forwards.Load()) }

// NewHostKey returns a host key that is no server's.
func NewHostKey(t *testing.T) string {
	t.Helper()
	key, _ := newKey(t)
	return string(ssh.MarshalAuthorizedKey(key.PublicKey()))
}

// NewClientKey returns a private key, in PEM, that no server lets in.
func NewClientKey(t *testing.T) string {
	t.Helper()
	_, key := newKey(t)
	return key
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

func (s *Server) accept(config *ssh.ServerConfig) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		n := int(s.dials.Add(1))
		if n <= s.options.Drop {
			_ = conn.Close()
			continue
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		if !s.options.Silent {
			go s.serve(conn, config)
		}
	}
}

func (s *Server) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		switch ch.ChannelType() {
		case "session":
			s.commands.Add(1)
			go func() {
				defer s.commands.Done()
				s.session(ch)
			}()
		case "direct-tcpip":
			s.forwards.Add(1)
			go forward(ch)
		default:
			_ = ch.Reject(ssh.UnknownChannelType, fmt.Sprintf("no %s here", ch.ChannelType()))
		}
	}
}
