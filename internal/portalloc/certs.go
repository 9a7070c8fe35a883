package portalloc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// Certificates live for a year and are never renewed in place: the service reports itself unhealthy in the last month, and the new
// process that the kubelet then starts makes new ones. An edge node is restarted for upgrades long before.
const (
	certLife  = 365 * 24 * time.Hour
	certSpare = 30 * 24 * time.Hour
)

// identity is the service's certificate and the CA that vouches for it. The CA's key is dropped once it has signed.
type identity struct {
	serving  tls.Certificate
	caPEM    []byte
	notAfter time.Time
}

// newIdentity makes a CA that may vouch for host alone, and a serving certificate of it.
func newIdentity(host string, now time.Time) (*identity, error) {
	// A day back, for the API server's clock may be behind ours.
	notBefore, notAfter := now.Add(-24*time.Hour), now.Add(certLife)
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "port-allocator CA"},
		NotBefore: notBefore, NotAfter: notAfter,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{host},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("make CA certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make serving key: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "port-allocator"},
		NotBefore: notBefore, NotAfter: notAfter, DNSNames: []string{host},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("make serving certificate: %w", err)
	}
	return &identity{
		serving:  tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key},
		caPEM:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}),
		notAfter: notAfter,
	}, nil
}

// fresh fails once it is time for a new identity.
func (id *identity) fresh(now time.Time) error {
	if now.After(id.notAfter.Add(-certSpare)) {
		return fmt.Errorf("certificate ends %s: restart to get a new one", id.notAfter.Format(time.DateOnly))
	}
	return nil
}
