package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/pki"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/token"
)

// retryEvery is how often a server that does not answer is asked again.
const retryEvery = 2 * time.Second

// refused is an answer that asking again will not change.
type refused struct{ error }

// Join makes this node known to the server and fetches what it needs, or waits until the server is there. A token that the server
// does not take, or a server that the token does not take, is an error at once.
func (n *Node) Join(ctx context.Context, server, joinToken string) error {
	t, err := token.Parse(joinToken)
	if err != nil {
		return err
	}
	if u, err := url.Parse(server); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("server %q: want https://host:port", server)
	}
	server = strings.TrimSuffix(server, "/")
	for {
		err := n.join(ctx, server, t)
		if err == nil {
			return nil
		}
		if no := (refused{}); errors.As(err, &no) {
			return fmt.Errorf("join %s: %w", server, err)
		}
		klog.InfoS("Waiting for the server", "server", server, "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}

func (n *Node) join(ctx context.Context, server string, t token.Token) error {
	c := &joinClient{server: server, secret: t.Secret, node: n.cfg, http: client(&tls.Config{
		// The CA is not known yet. What comes over this connection is checked against the token's hash, and nothing is sent.
		InsecureSkipVerify: true, //nolint:gosec // See above.
	})}
	ca, err := c.call(ctx, http.MethodGet, "/cacerts", nil)
	if err != nil {
		return err
	}
	if err := t.VerifyCA(ca); err != nil {
		return refused{err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return refused{errors.New("the server's CA is not a PEM certificate")}
	}
	c.http = client(&tls.Config{RootCAs: pool})
	if c.password, err = nodePassword(); err != nil {
		return refused{err}
	}
	body, err := c.call(ctx, http.MethodGet, "/v1-k3s/config", nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, &n.network); err != nil {
		return fmt.Errorf("read the server's configuration: %w", err)
	}
	clientCA, err := c.call(ctx, http.MethodGet, "/v1-k3s/client-ca.crt", nil)
	if err != nil {
		return err
	}
	n.clientCA = n.cfg.Dir("agent", "client-ca.crt")
	serverCA := n.cfg.Dir("agent", "server-ca.crt")
	if err := errors.Join(pki.WriteFile(serverCA, ca, 0o600), pki.WriteFile(n.clientCA, clientCA, 0o600)); err != nil {
		return err
	}
	kubelet, proxy := pki.PairAt(n.cfg.Dir("agent", "client-kubelet")), pki.PairAt(n.cfg.Dir("agent", "client-kube-proxy"))
	n.serving = pki.PairAt(n.cfg.Dir("agent", "serving-kubelet"))
	for _, pair := range []pki.Pair{kubelet, n.serving, proxy} {
		if err := c.certificate(ctx, pair); err != nil {
			return err
		}
	}
	n.kubeletConf, n.kubeProxyConf = n.cfg.Dir("agent", "kubelet.kubeconfig"), n.cfg.Dir("agent", "kubeproxy.kubeconfig")
	return errors.Join(
		pki.WriteKubeconfig(n.kubeletConf, 0o600, server, serverCA, kubelet, false),
		pki.WriteKubeconfig(n.kubeProxyConf, 0o600, server, serverCA, proxy, false))
}

// joinClient speaks to the server's join API.
type joinClient struct {
	server, secret, password string
	node                     *config.Config
	http                     *http.Client
}

func client(config *tls.Config) *http.Client {
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
}

// certificate has the server sign a certificate for the pair's key.
func (c *joinClient) certificate(ctx context.Context, pair pki.Pair) error {
	key, err := pki.LoadKey(pair.Key)
	if err != nil {
		return refused{err}
	}
	request, err := pki.Request(key)
	if err != nil {
		return refused{err}
	}
	signed, err := c.call(ctx, http.MethodPost, "/v1-k3s/"+filepath.Base(pair.Cert), request)
	if err != nil {
		return err
	}
	return pki.WriteFile(pair.Cert, signed, 0o644)
}

func (c *joinClient) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Not over a connection whose other end nobody has verified.
	if c.password != "" {
		request.SetBasicAuth("node", c.secret)
		request.Header.Set("K3s-Node-Name", c.node.NodeName)
		request.Header.Set("K3s-Node-IP", c.node.NodeIP)
		request.Header.Set("K3s-Node-Password", c.password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		var unknown x509.UnknownAuthorityError
		var wrongName x509.HostnameError
		if errors.As(err, &unknown) || errors.As(err, &wrongName) {
			return nil, refused{err}
		}
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if response.StatusCode == http.StatusOK {
		return answer, nil
	}
	err = fmt.Errorf("%s: %s: %s", path, response.Status, strings.TrimSpace(string(answer)))
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return nil, refused{fmt.Errorf("the token's secret was not accepted: %w", err)}
	case http.StatusBadRequest, http.StatusForbidden:
		return nil, refused{err}
	}
	return nil, err
}

// nodePassword is this host's proof that it is the node it was before. It outlives the node's state, as in K3s.
func nodePassword() (string, error) {
	file := config.NodePasswordFile
	data, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read node password: %w", err)
	}
	password, err := token.NewSecret()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", fmt.Errorf("make node password folder: %w", err)
	}
	return password, pki.WriteFile(file, []byte(password+"\n"), 0o600)
}
