package agent

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/token"
)

// A server that is not the token's, or that does not take the token, ends the join at once; no secret reaches the former.
func TestJoinIsRefused(t *testing.T) {
	t.Parallel()
	var ca []byte
	var sent []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cacerts" {
			_, _ = w.Write(ca)
			return
		}
		sent = append(sent, r.Header.Get("Authorization"))
		http.Error(w, "not authorized", http.StatusUnauthorized)
	}))
	defer server.Close()
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	node := &Node{cfg: &config.Config{DataDir: t.TempDir(), NodeName: "a", NodeIP: "10.0.0.1"}}

	c := &joinClient{server: server.URL, secret: "secret", node: node.cfg}
	other := token.Token{CAHash: strings.Repeat("ab", 32), Secret: "secret"}
	err := node.join(context.Background(), server.URL, other)
	if err == nil || !strings.Contains(err.Error(), "token CA hash does not match") {
		t.Errorf("another CA: got %v", err)
	}
	if len(sent) != 0 {
		t.Errorf("sent to an unverified server: %q", sent)
	}
	c.http, c.password = server.Client(), "password"
	_, err = c.call(context.Background(), http.MethodGet, "/v1-k3s/config", nil)
	if _, ok := err.(refused); !ok || !strings.Contains(err.Error(), "secret was not accepted") {
		t.Errorf("wrong secret: got %v", err)
	}
	if len(sent) != 1 || !strings.HasPrefix(sent[0], "Basic ") {
		t.Errorf("got %q, want basic authentication", sent)
	}
}

func TestJoinChecksItsInput(t *testing.T) {
	t.Parallel()
	node := &Node{cfg: &config.Config{}}
	for name, c := range map[string]struct{ server, token, err string }{
		"no token": {"https://a:6443", "", "token is required"},
		"no TLS":   {"http://a:6443", "secret", "want https://host:port"},
		"no URL":   {"a:6443", "secret", "want https://host:port"},
	} {
		if err := node.Join(context.Background(), c.server, c.token); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %v, want %q", name, err, c.err)
		}
	}
}
