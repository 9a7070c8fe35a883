package mint

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMintRegion(t *testing.T) {
	t.Parallel()
	now := time.Now()
	spec := RegionSpec{Region: "east", Generation: 1, Cities: []string{"suzhou", "shanghai"}}
	first, err := Region(spec, nil, now)
	require.NoError(t, err)

	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(first.CA)))
	hub := leaf(t, first.Hub)
	_, err = hub.Verify(x509.VerifyOptions{Roots: pool, DNSName: HubName})
	require.NoError(t, err)
	city := leaf(t, first.Cities["suzhou"])
	require.Equal(t, "suzhou", city.Subject.CommonName)
	_, err = city.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.NoError(t, err)
	_, err = city.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	require.Error(t, err, "a city is no hub")

	spec.Cities = []string{"shanghai", "nanjing"}
	more, err := Region(spec, first, now)
	require.NoError(t, err)
	require.Equal(t, first.Cities["shanghai"], more.Cities["shanghai"])
	require.Equal(t, first.Hub, more.Hub)
	require.NotContains(t, more.Cities, "suzhou")
	require.Contains(t, more.Cities, "nanjing")

	spec.Generation = 2
	rolled, err := Region(spec, more, now)
	require.NoError(t, err)
	require.Equal(t, first.CA, rolled.CA, "who has not been rolled yet is believed")
	require.NotEqual(t, first.Hub, rolled.Hub)
	require.NotEqual(t, first.GrafanaPassword, rolled.GrafanaPassword)
	require.NotEqual(t, first.Cities["shanghai"], rolled.Cities["shanghai"])
}

func leaf(t *testing.T, p Pair) *x509.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.Key))
	require.NoError(t, err)
	return pair.Leaf
}

func TestRunRegion(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, runRegion(strings.NewReader(`{"region": "east", "generation": 1, "cities": ["a"]}`), &out, "", time.Now()))
	var again strings.Builder
	require.NoError(t, runRegion(strings.NewReader(`{"region": "east", "generation": 1, "cities": ["a"]}`), &again, out.String(), time.Now()))
	require.JSONEq(t, out.String(), again.String())

	for name, test := range map[string]struct{ spec, before, want string }{
		"an unknown key":      {spec: `{"regions": "east"}`, want: `unknown field "regions"`},
		"nothing":             {spec: `{}`, want: "region: required\ngeneration: 0 is not from 1 to 255"},
		"what cannot be read": {spec: `{"region": "east", "generation": 1}`, before: "secret-x", want: "cannot be read"},
		"what is not whole":   {spec: `{"region": "east", "generation": 1}`, before: `{"ca": "secret-x"}`, want: "are not whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := runRegion(strings.NewReader(test.spec), &strings.Builder{}, test.before, time.Now())
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "secret-x")
		})
	}
	require.True(t, json.Valid([]byte(out.String())))
}
