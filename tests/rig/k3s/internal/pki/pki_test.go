package pki

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/util/cert"
)

func authority(t *testing.T, dir, name string) *Authority {
	t.Helper()
	a, err := LoadAuthority(name, filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestChain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, client := authority(t, dir, "server-ca"), authority(t, dir, "client-ca")
	pair := PairAt(filepath.Join(dir, "serving"))
	if err := server.Ensure(pair, Leaf{CommonName: "api", SANs: []string{"localhost", "10.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	certs, err := cert.ParseCertsPEM(read(t, pair.Cert))
	if err != nil {
		t.Fatal(err)
	}
	verify := func(a *Authority, name string, usage x509.ExtKeyUsage) error {
		roots := x509.NewCertPool()
		roots.AddCert(a.Cert)
		_, err := certs[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: name, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	for _, name := range []string{"localhost", "10.0.0.1"} {
		if err := verify(server, name, x509.ExtKeyUsageServerAuth); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if verify(server, "other", x509.ExtKeyUsageServerAuth) == nil {
		t.Error("another name was accepted")
	}
	if verify(client, "localhost", x509.ExtKeyUsageServerAuth) == nil {
		t.Error("another authority was accepted")
	}
	if verify(server, "localhost", x509.ExtKeyUsageClientAuth) == nil {
		t.Error("a server's certificate was accepted as a client's")
	}
}

func TestLeafIsKeptWhileItFits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := authority(t, dir, "ca")
	pair := PairAt(filepath.Join(dir, "leaf"))
	leaf := Leaf{CommonName: "api", SANs: []string{"b", "a"}}
	ensure := func(a *Authority, l Leaf) string {
		t.Helper()
		if err := a.Ensure(pair, l); err != nil {
			t.Fatal(err)
		}
		return string(read(t, pair.Cert))
	}
	first := ensure(ca, leaf)
	if again := ensure(authority(t, dir, "ca"), leaf); again != first {
		t.Error("made anew without need")
	}
	if changed := ensure(ca, Leaf{CommonName: "api", SANs: []string{"a", "b", "c"}}); changed == first {
		t.Error("kept in spite of another name")
	}
	if changed := ensure(authority(t, dir, "other"), leaf); changed == first {
		t.Error("kept in spite of another authority")
	}
	if mode := mode(t, pair.Key); mode != 0o600 {
		t.Errorf("private key has mode %o, want 600", mode)
	}
}

func mode(t *testing.T, file string) os.FileMode {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestSignTakesNothingButTheKeyFromTheRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := authority(t, dir, "ca")
	key, err := LoadKey(filepath.Join(dir, "node.key"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := Request(key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ca.Sign(request, Leaf{CommonName: "system:node:a", Organization: []string{"system:nodes"}})
	if err != nil {
		t.Fatal(err)
	}
	certs, err := cert.ParseCertsPEM(signed)
	if err != nil {
		t.Fatal(err)
	}
	if got := certs[0].Subject; got.CommonName != "system:node:a" || len(got.Organization) != 1 || got.Organization[0] != "system:nodes" {
		t.Errorf("subject: got %v", got)
	}
	if certs[0].IsCA {
		t.Error("a leaf may sign")
	}
	if _, err := ca.Sign([]byte("no request"), Leaf{}); err == nil || !strings.Contains(err.Error(), "not a PEM certificate request") {
		t.Errorf("garbage: got %v", err)
	}
}
