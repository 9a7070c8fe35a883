package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/util/cert"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/pki"
)

func TestJoinAPI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	creds := &credentials{cfg: &config.Config{}, secret: "secret"}
	var err error
	if creds.serverCA, err = pki.LoadAuthority("server-ca", filepath.Join(dir, "s.crt"), filepath.Join(dir, "s.key")); err != nil {
		t.Fatal(err)
	}
	if creds.clientCA, err = pki.LoadAuthority("client-ca", filepath.Join(dir, "c.crt"), filepath.Join(dir, "c.key")); err != nil {
		t.Fatal(err)
	}
	key, err := pki.LoadKey(filepath.Join(dir, "node.key"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := pki.Request(key)
	if err != nil {
		t.Fatal(err)
	}
	api := &joinAPI{creds: creds, passwords: nodePasswords{fake.NewSimpleClientset()}}
	handler := api.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))

	// The steps depend on each other: the first password that comes with a name is that node's.
	for _, c := range []struct {
		name, method, path, secret, node, password string
		status                                     int
		body                                       string
	}{
		{name: "the Kubernetes API is left alone", method: "GET", path: "/api", status: http.StatusTeapot},
		{name: "anyone may see the CA", method: "GET", path: "/cacerts", status: http.StatusOK, body: "BEGIN CERTIFICATE"},
		{name: "no secret", method: "GET", path: "/v1-k3s/config", status: http.StatusUnauthorized},
		{name: "wrong secret", method: "GET", path: "/v1-k3s/config", secret: "other", status: http.StatusUnauthorized},
		{name: "right secret", method: "GET", path: "/v1-k3s/config", secret: "secret", status: http.StatusOK, body: "clusterCIDR"},
		{name: "certificates want the secret", method: "POST", path: "/v1-k3s/client-kubelet.crt", node: "a", password: "p", status: http.StatusUnauthorized},
		{name: "bad name", method: "POST", path: "/v1-k3s/client-kubelet.crt", secret: "secret", node: "a b", password: "p", status: http.StatusBadRequest},
		{name: "no password", method: "POST", path: "/v1-k3s/client-kubelet.crt", secret: "secret", node: "a", status: http.StatusForbidden},
		{name: "first node of the name", method: "POST", path: "/v1-k3s/client-kubelet.crt", secret: "secret", node: "a", password: "p", status: http.StatusOK, body: "BEGIN CERTIFICATE"},
		{name: "another node of the name", method: "POST", path: "/v1-k3s/serving-kubelet.crt", secret: "secret", node: "a", password: "q", status: http.StatusForbidden, body: "node password rejected"},
		{name: "the same node", method: "POST", path: "/v1-k3s/client-kube-proxy.crt", secret: "secret", node: "a", password: "p", status: http.StatusOK},
		{name: "no such path", method: "GET", path: "/v1-k3s/server-ca.key", secret: "secret", status: http.StatusNotFound},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(string(request)))
		if c.secret != "" {
			r.SetBasicAuth("node", c.secret)
		}
		r.Header.Set("K3s-Node-Name", c.node)
		r.Header.Set("K3s-Node-IP", "10.0.0.2")
		r.Header.Set("K3s-Node-Password", c.password)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: got %d %q, want %d with %q", c.name, w.Code, w.Body, c.status, c.body)
		}
		if c.name == "first node of the name" {
			certs, err := cert.ParseCertsPEM(w.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if got := certs[0].Subject.CommonName; got != "system:node:a" {
				t.Errorf("signed for %q, want system:node:a", got)
			}
		}
	}
}

func TestNodePasswordIsForgottenWithTheNode(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	passwords := nodePasswords{fake.NewSimpleClientset()}
	if err := passwords.Check(ctx, "a", "first"); err != nil {
		t.Fatal(err)
	}
	if err := passwords.Check(ctx, "a", "second"); !errors.Is(err, errWrongPassword) {
		t.Errorf("got %v, want a refusal", err)
	}
	if err := errors.Join(passwords.Forget(ctx, "a"), passwords.Forget(ctx, "a")); err != nil {
		t.Fatal(err)
	}
	if err := passwords.Check(ctx, "a", "second"); err != nil {
		t.Errorf("after the node was deleted: %v", err)
	}
}

func TestPodNetworks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cluster string
		args    []string
		taken   []string
		want    string
		err     string
	}{
		"first":        {cluster: "10.42.0.0/16", want: "10.42.0.0/24"},
		"gap":          {cluster: "10.42.0.0/16", taken: []string{"10.42.0.0/24", "10.42.2.0/24"}, want: "10.42.1.0/24"},
		"wider":        {cluster: "10.42.0.0/16", args: []string{"node-cidr-mask-size=20"}, taken: []string{"10.42.0.0/20"}, want: "10.42.16.0/20"},
		"mixed sizes":  {cluster: "10.42.0.0/16", args: []string{"node-cidr-mask-size=20"}, taken: []string{"10.42.3.0/24"}, want: "10.42.16.0/20"},
		"full":         {cluster: "10.42.0.0/24", taken: []string{"10.42.0.0/24"}, err: "no pod network is left"},
		"too wide":     {cluster: "10.42.0.0/16", args: []string{"node-cidr-mask-size=8"}, err: "does not fit"},
		"not a number": {cluster: "10.42.0.0/16", args: []string{"node-cidr-mask-size=x"}, err: "node-cidr-mask-size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			networks, err := newPodNetworks(c.cluster, c.args)
			got := ""
			if err == nil {
				got, err = networks.next(c.taken)
			}
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}
