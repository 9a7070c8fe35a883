package pki

import (
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"sort"
	"time"

	"k8s.io/client-go/util/cert"
)

// Pair names the two files of a leaf: the certificate and its private key.
type Pair struct{ Cert, Key string }

// PairAt is the pair base.crt and base.key.
func PairAt(base string) Pair { return Pair{Cert: base + ".crt", Key: base + ".key"} }

// Ensure makes the pair, unless the files already hold one that the authority signed, for the same leaf, and that is not about to
// end.
func (a *Authority) Ensure(pair Pair, leaf Leaf) error {
	key, err := LoadKey(pair.Key)
	if err != nil {
		return err
	}
	if data, err := os.ReadFile(pair.Cert); err == nil {
		if certs, err := cert.ParseCertsPEM(data); err == nil && a.fits(certs[0], leaf) && key.PublicKey.Equal(certs[0].PublicKey) {
			return nil
		}
	}
	request, err := Request(key)
	if err != nil {
		return err
	}
	signed, err := a.Sign(request, leaf)
	if err != nil {
		return err
	}
	if err := os.WriteFile(pair.Cert, signed, 0o644); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	return nil
}

func (a *Authority) fits(c *x509.Certificate, leaf Leaf) bool {
	if c.CheckSignatureFrom(a.Cert) != nil || Ending(c) || c.Subject.CommonName != leaf.CommonName || !slices.Equal(c.Subject.Organization, leaf.Organization) {
		return false
	}
	have := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		have = append(have, ip.String())
	}
	want := append([]string{}, leaf.SANs...)
	sort.Strings(have)
	sort.Strings(want)
	return slices.Equal(have, want)
}

// Ending tells whether the certificate is due to be renewed.
func Ending(c *x509.Certificate) bool { return time.Until(c.NotAfter) < renewBefore }
