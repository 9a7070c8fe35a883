// Package pki makes and keeps the cluster's certificates: three authorities on the server, and leaves that are signed from
// requests, so that a node's private keys never leave it.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	// renewBefore is how long before its end a leaf is made anew at a start, as in K3s.
	renewBefore = 90 * 24 * time.Hour
)

// Authority signs certificates.
type Authority struct {
	Cert *x509.Certificate
	PEM  []byte
	key  *ecdsa.PrivateKey
}

// LoadAuthority reads the authority from its two files, which are made at the first start.
func LoadAuthority(name, certFile, keyFile string) (*Authority, error) {
	key, err := LoadKey(keyFile)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(certFile)
	if errors.Is(err, os.ErrNotExist) {
		if data, err = selfSign(name, key); err != nil {
			return nil, err
		}
		err = os.WriteFile(certFile, data, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	certs, err := cert.ParseCertsPEM(data)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", certFile, err)
	}
	return &Authority{Cert: certs[0], PEM: data, key: key}, nil
}

func selfSign(name string, key *ecdsa.PrivateKey) ([]byte, error) {
	now := time.Now().UTC()
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: fmt.Sprintf("k3s-stand-in-%s@%d", name, now.Unix())},
		NotBefore:             now.Add(-time.Minute),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign authority %s: %w", name, err)
	}
	return encode(der), nil
}

// Leaf says what a certificate is to hold. One with SANs serves, one without is a client's.
type Leaf struct {
	CommonName   string
	Organization []string
	SANs         []string
}

// Sign answers the request with a certificate for the leaf. Of the request only the public key is used: what a node may call
// itself is not for the node to say.
func (a *Authority) Sign(request []byte, leaf Leaf) ([]byte, error) {
	block, _ := pem.Decode(request)
	if block == nil || block.Type != cert.CertificateRequestBlockType {
		return nil, errors.New("not a PEM certificate request")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse certificate request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check certificate request: %w", err)
	}
	now := time.Now().UTC()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Organization},
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(leaf.SANs) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.DNSNames, template.IPAddresses = splitSANs(leaf.SANs)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, csr.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", leaf.CommonName, err)
	}
	return append(encode(der), a.PEM...), nil
}

func splitSANs(sans []string) (names []string, ips []net.IP) {
	for _, san := range sans {
		if ip := net.ParseIP(san); ip != nil {
			ips = append(ips, ip)
		} else {
			names = append(names, san)
		}
	}
	return names, ips
}

// LoadKey reads a private key from the file, which is made, readable to root alone, where it is missing.
func LoadKey(file string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		if data, err = keyutil.MakeEllipticPrivateKeyPEM(); err == nil {
			err = os.WriteFile(file, data, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("load private key: %w", err)
	}
	key, err := keyutil.ParsePrivateKeyPEM(data)
	if err != nil {
		return nil, fmt.Errorf("private key %s: %w", file, err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("private key %s: want ECDSA on P-256", file)
	}
	return ec, nil
}

// Request makes a certificate request for the key.
func Request(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("make certificate request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateRequestBlockType, Bytes: der}), nil
}

func encode(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: der})
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		panic(err) // crypto/rand does not fail on a system that works.
	}
	return n
}
