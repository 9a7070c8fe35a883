package mint

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
	"slices"
	"time"
)

// validity is that of K3s's own CA. Nothing renews a certificate in a city that plays on without its operator.
const validity = 10 * 365 * 24 * time.Hour

// newCA makes the CA of a city's NATS: its certificate and its key, in PEM.
func newCA(city string, now time.Time) (certificate, key string, err error) {
	return newAuthority("edge-arena NATS CA of "+city, now)
}

// newAuthority makes a CA.
func newAuthority(name string, now time.Time) (certificate, key string, err error) {
	return issue(&x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}, nil, nil, now)
}

// newCertificate makes a server's certificate by the CA, for the hosts.
func newCertificate(ca, caKey string, hosts []string, now time.Time) (certificate, key string, err error) {
	return sign(ca, caKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: hosts[0]},
		DNSNames:    hosts,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, now)
}

// sign makes a certificate by the CA.
func sign(ca, caKey string, template *x509.Certificate, now time.Time) (certificate, key string, err error) {
	parent, err := parseCertificate(ca)
	if err != nil {
		return "", "", fmt.Errorf("CA: %w", err)
	}
	block, _ := pem.Decode([]byte(caKey))
	if block == nil {
		return "", "", errors.New("CA: its key is not PEM")
	}
	signer, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return "", "", errors.New("CA: its key cannot be read") // the cause might quote it
	}
	return issue(template, parent, signer, now)
}

// issue signs the template with the parent's key, or with its own where there is no parent.
func issue(template, parent *x509.Certificate, signer *ecdsa.PrivateKey, now time.Time) (certificate, key string, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return "", "", fmt.Errorf("make a serial number: %w", err)
	}
	// A node's clock may be late.
	template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(validity)
	if parent == nil {
		parent, signer = template, own
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, signer)
	if err != nil {
		return "", "", fmt.Errorf("sign a certificate: %w", err)
	}
	private, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		return "", "", fmt.Errorf("encode a key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})), nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the certificate is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// covers tells whether the certificate names these hosts and no others.
func covers(certificate string, hosts []string) bool {
	c, err := parseCertificate(certificate)
	return err == nil && slices.Equal(c.DNSNames, hosts)
}
