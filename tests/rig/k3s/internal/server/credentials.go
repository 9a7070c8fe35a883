package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/pki"
	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/token"
)

// credentials are the server's authorities, certificates and secret, kept below server/ and used again at each start.
type credentials struct {
	dir                               string // server/tls
	cfg                               *config.Config
	serverCA, clientCA, requestCA     *pki.Authority
	admin, controller, scheduler      pki.Pair
	apiserverKubelet, proxy, tls      pki.Pair
	adminConf, controlConf, schedConf string
	secret                            string
}

func (c *credentials) file(name string) string { return filepath.Join(c.dir, name) }

func loadCredentials(cfg *config.Config) (*credentials, error) {
	c := &credentials{dir: cfg.Dir("server", "tls"), cfg: cfg}
	for _, dir := range []string{c.dir, cfg.Dir("server", "cred"), cfg.Dir("server", "db"), cfg.Dir("server", "manifests")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make server folder: %w", err)
		}
	}
	for _, step := range []func() error{c.authorities, c.leaves, c.kubeconfigs, c.nodeToken} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *credentials) authorities() error {
	for name, into := range map[string]**pki.Authority{"server-ca": &c.serverCA, "client-ca": &c.clientCA, "request-header-ca": &c.requestCA} {
		authority, err := pki.LoadAuthority(name, c.file(name+".crt"), c.file(name+".key"))
		if err != nil {
			return err
		}
		*into = authority
	}
	// The key that signs the tokens of service accounts.
	_, err := pki.LoadKey(c.file("service.key"))
	return err
}

func (c *credentials) leaves() error {
	masters := []string{"system:masters"}
	for _, l := range []struct {
		pair *pki.Pair
		file string
		ca   *pki.Authority
		leaf pki.Leaf
	}{
		{&c.admin, "client-admin", c.clientCA, pki.Leaf{CommonName: "system:admin", Organization: masters}},
		{&c.controller, "client-controller", c.clientCA, pki.Leaf{CommonName: "system:kube-controller-manager"}},
		{&c.scheduler, "client-scheduler", c.clientCA, pki.Leaf{CommonName: "system:kube-scheduler"}},
		{&c.apiserverKubelet, "client-kube-apiserver", c.clientCA, pki.Leaf{CommonName: "system:apiserver", Organization: masters}},
		{&c.proxy, "client-auth-proxy", c.requestCA, pki.Leaf{CommonName: "system:auth-proxy"}},
		{&c.tls, "serving-kube-apiserver", c.serverCA, pki.Leaf{CommonName: "kube-apiserver", SANs: servingNames(c.cfg)}},
	} {
		*l.pair = pki.PairAt(c.file(l.file))
		if err := l.ca.Ensure(*l.pair, l.leaf); err != nil {
			return err
		}
	}
	return nil
}

// servingNames are the names and addresses by which this server may be called.
func servingNames(cfg *config.Config) []string {
	network := cfg.Server.Network
	names := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + network.Domain, "localhost",
		"127.0.0.1", network.APIServiceIP(), cfg.NodeName, cfg.NodeIP, cfg.Server.AdvertiseAddress}
	names = append(names, cfg.NodeExternalIPs...)
	names = append(names, cfg.Server.TLSSANs...)
	seen := map[string]bool{}
	var unique []string
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			unique = append(unique, name)
		}
	}
	return unique
}

func (c *credentials) kubeconfigs() error {
	for _, k := range []struct {
		into *string
		name string
		pair pki.Pair
	}{
		{&c.adminConf, "admin", c.admin},
		{&c.controlConf, "controller", c.controller},
		{&c.schedConf, "scheduler", c.scheduler},
	} {
		*k.into = c.cfg.Dir("server", "cred", k.name+".kubeconfig")
		if err := pki.WriteKubeconfig(*k.into, 0o600, c.localURL(), c.file("server-ca.crt"), k.pair, false); err != nil {
			return err
		}
	}
	return nil
}

func (c *credentials) localURL() string {
	return fmt.Sprintf("https://127.0.0.1:%d", c.cfg.Server.Port)
}

// nodeToken takes the secret from the flags, or from the earlier start, or makes one, and writes the token for nodes to join with.
func (c *credentials) nodeToken() error {
	file := c.cfg.Dir("server", "token")
	given := c.cfg.Token
	if given == "" {
		data, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read token: %w", err)
		}
		given = string(data)
	}
	if strings.TrimSpace(given) == "" {
		secret, err := token.NewSecret()
		if err != nil {
			return err
		}
		given = secret
	}
	t, err := token.Parse(given)
	if err != nil {
		return err
	}
	c.secret = t.Secret
	text := []byte(token.Format(c.serverCA.PEM, c.secret) + "\n")
	if err := pki.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	link := c.cfg.Dir("server", "node-token")
	if target, err := os.Readlink(link); err == nil && target == file {
		return nil
	}
	if err := os.Symlink(file, link); err != nil {
		return fmt.Errorf("link node token: %w", err)
	}
	return nil
}

// writeAdminKubeconfig writes the kubeconfig that people use.
func (c *credentials) writeAdminKubeconfig() error {
	mode, err := c.cfg.Server.Mode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.cfg.Server.Kubeconfig), 0o755); err != nil {
		return fmt.Errorf("make kubeconfig folder: %w", err)
	}
	return pki.WriteKubeconfig(c.cfg.Server.Kubeconfig, mode, c.localURL(), c.file("server-ca.crt"), c.admin, true)
}
