// Package remote runs commands on, and copies files to, hosts that are reached over SSH.
package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

const (
	defaultUser           = "root"
	defaultPort           = 22
	defaultDialErrorLimit = 10
	defaultPerDialTimeout = 15
	// unlimited as a DialErrorLimit dials until the host answers or the update is canceled.
	unlimited = -1
)

// Connection says how to reach a host.
type Connection struct {
	endpoint
	Proxy *ProxyConnection `pulumi:"proxy,optional"`
}

// ProxyConnection says how to reach a host through which another is reached.
type ProxyConnection struct{ endpoint }

// endpoint is one SSH server and how to log in there.
type endpoint struct {
	User               *string  `pulumi:"user,optional"`
	Password           *string  `pulumi:"password,optional" provider:"secret"`
	Host               *string  `pulumi:"host"`
	Port               *float64 `pulumi:"port,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional" provider:"secret"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional" provider:"secret"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
	HostKey            *string  `pulumi:"hostKey,optional"`
}

// Annotate describes a connection and sets its defaults.
func (c *Connection) Annotate(a infer.Annotator) {
	a.Describe(&c, "How to reach a host over SSH.")
	c.annotate(a)
	a.Describe(&c.Proxy, "The host through which this one is reached. Default is none.")
}

// Annotate describes the connection to a proxy and sets its defaults.
func (c *ProxyConnection) Annotate(a infer.Annotator) {
	a.Describe(&c, "How to reach a host through which another is reached.")
	c.annotate(a)
}

func (e *endpoint) annotate(a infer.Annotator) {
	a.Describe(&e.User, "The user to log in as. Default is root.")
	a.SetDefault(&e.User, defaultUser)
	a.Describe(&e.Password, "The user's password. Default is none.")
	a.Describe(&e.Host, "The host's name or address.")
	a.Describe(&e.Port, "The port of its SSH server. Default is 22.")
	a.SetDefault(&e.Port, defaultPort)
	a.Describe(&e.PrivateKey, "The content of a private key; it is tried before the password. Default is none.")
	a.Describe(&e.PrivateKeyPassword, "The password of the private key. Default is none.")
	a.Describe(&e.AgentSocketPath, "The socket of an SSH agent. Default is $SSH_AUTH_SOCK.")
	a.Describe(&e.DialErrorLimit, "How many failed dials are forgiven; -1 for all. Default is 10.")
	a.SetDefault(&e.DialErrorLimit, defaultDialErrorLimit)
	a.Describe(&e.PerDialTimeout, "How many seconds a dial may take; 0 for any time. Default is 15.")
	a.SetDefault(&e.PerDialTimeout, defaultPerDialTimeout)
	a.Describe(&e.HostKey, "The host's public key, as in known_hosts. Without it the host is not verified.")
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// address is host:port.
func (e endpoint) address() string {
	return net.JoinHostPort(valueOr(e.Host, ""), strconv.Itoa(int(valueOr(e.Port, defaultPort))))
}

// errorLimit is how many failed dials are forgiven.
func (e endpoint) errorLimit() int { return valueOr(e.DialErrorLimit, defaultDialErrorLimit) }

// timeout is how long one dial may take; 0 is any time.
func (e endpoint) timeout() time.Duration {
	return time.Duration(valueOr(e.PerDialTimeout, defaultPerDialTimeout)) * time.Second
}

// hostKeyError is a host that is not the one it should be. Dialing again would not make it so.
type hostKeyError struct{ want, got string }

func (e *hostKeyError) Error() string {
	return fmt.Sprintf("host key mismatch: want %s, the host has %s", e.want, e.got)
}

// config returns how to log in, and what to close once that is done.
func (e endpoint) config() (*ssh.ClientConfig, io.Closer, error) {
	config := &ssh.ClientConfig{User: valueOr(e.User, defaultUser)}
	if err := e.verifyHost(config); err != nil {
		return nil, nil, err
	}
	if e.PrivateKey != nil {
		signer, err := e.signer()
		if err != nil {
			return nil, nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	}
	if e.Password != nil {
		answer := func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = *e.Password
			}
			return answers, nil
		}
		config.Auth = append(config.Auth, ssh.Password(*e.Password), ssh.KeyboardInteractive(answer))
	}
	socket := valueOr(e.AgentSocketPath, os.Getenv("SSH_AUTH_SOCK"))
	if socket == "" {
		return config, io.NopCloser(nil), nil
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("reach ssh agent: %w", err)
	}
	config.Auth = append(config.Auth, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
	return config, conn, nil
}

// verifyHost makes config accept the one host key that is expected, if one is.
func (e endpoint) verifyHost(config *ssh.ClientConfig) error {
	if e.HostKey == nil {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey() // As documented, and as the official plugin does.
		return nil
	}
	want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*e.HostKey))
	if err != nil {
		return fmt.Errorf("parse host key: %w", err)
	}
	config.HostKeyAlgorithms = []string{want.Type()}
	if want.Type() == ssh.KeyAlgoRSA {
		// One kind of key, three of signature; servers of today refuse the oldest.
		config.HostKeyAlgorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	config.HostKeyCallback = func(_ string, _ net.Addr, got ssh.PublicKey) error {
		if string(got.Marshal()) != string(want.Marshal()) {
			return &hostKeyError{want: ssh.FingerprintSHA256(want), got: ssh.FingerprintSHA256(got)}
		}
		return nil
	}
	return nil
}

func (e endpoint) signer() (ssh.Signer, error) {
	var signer ssh.Signer
	var err error
	if e.PrivateKeyPassword != nil {
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(*e.PrivateKey), []byte(*e.PrivateKeyPassword))
	} else {
		signer, err = ssh.ParsePrivateKey([]byte(*e.PrivateKey))
	}
	if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
		return nil, errors.New("parse private key: it needs privateKeyPassword")
	}
	if err != nil {
		return nil, fmt.Errorf("parse private key: %w", err)
	}
	return signer, nil
}
