package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/pki"
)

// joinAPI is what nodes talk to before they have credentials of their own: /cacerts to everyone, the rest to whoever knows the
// secret.
type joinAPI struct {
	creds     *credentials
	passwords passwordStore
}

// passwordStore ties a node's name to the first node that came with it.
type passwordStore interface {
	Check(ctx context.Context, node, password string) error
}

var errWrongPassword = errors.New("node password rejected: another node of this name joined before; delete its Node object first")

// wrap serves the join API, and leaves all other paths to the Kubernetes API.
func (j *joinAPI) wrap(kubernetes http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ping", j.text([]byte("pong")))
	mux.HandleFunc("GET /cacerts", j.text(j.creds.serverCA.PEM))
	mux.Handle("GET /v1-k3s/client-ca.crt", j.withSecret(j.text(j.creds.clientCA.PEM)))
	mux.Handle("GET /v1-k3s/config", j.withSecret(j.config))
	mux.Handle("POST /v1-k3s/client-kubelet.crt", j.withSecret(j.sign(j.kubeletClient)))
	mux.Handle("POST /v1-k3s/serving-kubelet.crt", j.withSecret(j.sign(j.kubeletServing)))
	mux.Handle("POST /v1-k3s/client-kube-proxy.crt", j.withSecret(j.sign(j.kubeProxy)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping" || r.URL.Path == "/cacerts" || strings.HasPrefix(r.URL.Path, "/v1-k3s/") {
			mux.ServeHTTP(w, r)
			return
		}
		kubernetes.ServeHTTP(w, r)
	})
}

func (j *joinAPI) withSecret(next http.HandlerFunc) http.Handler {
	want := sha256.Sum256([]byte(j.creds.secret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		got := sha256.Sum256([]byte(password))
		if user != "node" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			http.Error(w, "not authorized", http.StatusUnauthorized)
			return
		}
		next(w, r)
	})
}

func (j *joinAPI) text(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, body) }
}

func (j *joinAPI) config(w http.ResponseWriter, _ *http.Request) {
	body, err := json.Marshal(j.creds.cfg.Server.Network)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, body)
}

// identity is who a node says it is, checked against its password.
type identity struct{ name, ip string }

func (j *joinAPI) identify(r *http.Request) (identity, int, error) {
	id := identity{name: r.Header.Get("K3s-Node-Name"), ip: r.Header.Get("K3s-Node-IP")}
	if problems := validation.IsDNS1123Subdomain(id.name); len(problems) > 0 {
		return id, http.StatusBadRequest, fmt.Errorf("node name: %s", strings.Join(problems, ", "))
	}
	if net.ParseIP(id.ip) == nil {
		return id, http.StatusBadRequest, fmt.Errorf("node address %q is not an address", id.ip)
	}
	err := j.passwords.Check(r.Context(), id.name, r.Header.Get("K3s-Node-Password"))
	switch {
	case errors.Is(err, errWrongPassword):
		return id, http.StatusForbidden, err
	case err != nil:
		return id, http.StatusServiceUnavailable, err
	}
	return id, 0, nil
}

func (j *joinAPI) sign(of func(identity) (*pki.Authority, pki.Leaf)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, status, err := j.identify(r)
		if err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		request, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<10))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		authority, leaf := of(id)
		signed, err := authority.Sign(request, leaf)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		klog.InfoS("Signed certificate", "node", id.name, "subject", leaf.CommonName)
		reply(w, signed)
	}
}

func (j *joinAPI) kubeletClient(id identity) (*pki.Authority, pki.Leaf) {
	return j.creds.clientCA, pki.Leaf{CommonName: "system:node:" + id.name, Organization: []string{"system:nodes"}}
}

func (j *joinAPI) kubeletServing(id identity) (*pki.Authority, pki.Leaf) {
	return j.creds.serverCA, pki.Leaf{CommonName: id.name, SANs: []string{id.name, "localhost", "127.0.0.1", id.ip}}
}

func (j *joinAPI) kubeProxy(identity) (*pki.Authority, pki.Leaf) {
	return j.creds.clientCA, pki.Leaf{CommonName: "system:kube-proxy"}
}

func reply(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/plain")
	if _, err := w.Write(body); err != nil {
		klog.V(2).InfoS("Reply not sent", "err", err)
	}
}
