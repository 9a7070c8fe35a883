package mint

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

var (
	now   = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	hosts = []string{"nats", "nats.city.svc"}
)

func mint(t *testing.T, generation int, before *Credentials) *Credentials {
	t.Helper()
	c, err := Mint(Spec{City: "east/shanghai", Generation: generation, Hosts: hosts}, before, now)
	require.NoError(t, err)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	again, err := Parse(string(text))
	require.NoError(t, err)
	require.Equal(t, c, again)
	return c
}

func TestMintOfANewCity(t *testing.T) {
	t.Parallel()
	a, b := mint(t, 1, nil), mint(t, 1, nil)
	require.Equal(t, "battle", a.Battle.User)
	require.Equal(t, "lobby", a.Lobby.User)
	require.Equal(t, a.TicketKeys, a.PodTicketKeys)
	require.Regexp(t, `^1:[0-9a-f]{64}$`, a.TicketKeys)
	require.Regexp(t, `^[0-9a-f]{64}$`, a.PseudonymKey)
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(a.Battle.Hash), []byte(a.Battle.Password)))
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(a.Lobby.Hash), []byte(a.Lobby.Password)))
	require.NotContains(t, a.Battle.Password, a.Lobby.Password)
	for name, pair := range map[string][2]string{
		"ticket keys": {a.TicketKeys, b.TicketKeys}, "password": {a.Battle.Password, b.Battle.Password}, "CA": {a.CA, b.CA},
		"key": {a.Key, b.Key}, "pseudonyms": {a.PseudonymKey, b.PseudonymKey},
	} {
		require.NotEqual(t, pair[0], pair[1], "%s of two cities", name)
	}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	c := mint(t, 1, nil)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(c.CA)))
	leaf, err := parseCertificate(c.Certificate)
	require.NoError(t, err)
	for _, host := range hosts {
		for _, at := range []time.Time{now, now.AddDate(9, 11, 0)} {
			_, err = leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: at})
			require.NoError(t, err, "%s at %s", host, at)
		}
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: "nats.other.svc", Roots: roots, CurrentTime: now})
	require.ErrorContains(t, err, "nats.other.svc")
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: "nats", Roots: roots, CurrentTime: now.AddDate(11, 0, 0)})
	require.ErrorContains(t, err, "expired")
	other, err := parseCertificate(mint(t, 1, nil).Certificate)
	require.NoError(t, err)
	_, err = other.Verify(x509.VerifyOptions{DNSName: "nats", Roots: roots, CurrentTime: now})
	require.ErrorContains(t, err, "unknown authority")
}

func TestTheSameGenerationStaysAsItIs(t *testing.T) {
	t.Parallel()
	first := mint(t, 3, nil)
	require.Equal(t, first, mint(t, 3, first))

	other, err := Mint(Spec{City: "east/shanghai", Generation: 3, Hosts: []string{"nats"}}, first, now)
	require.NoError(t, err)
	require.NotEqual(t, first.Certificate, other.Certificate)
	other.Certificate, other.Key = first.Certificate, first.Key
	require.Equal(t, first, other, "nothing but the certificate")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	first := mint(t, 1, nil)
	second := mint(t, 2, first)
	require.Equal(t, first.PseudonymKey, second.PseudonymKey, "a player stays who it is")
	require.Equal(t, first.CA, second.CA, "clients that have not been rolled trust NATS")
	require.NotEqual(t, first.Certificate, second.Certificate)
	require.NotEqual(t, first.Battle.Password, second.Battle.Password)
	require.Equal(t, "battle-2", second.Battle.User)
	require.Equal(t, first.Battle.User, second.Battle.PreviousUser)
	require.Equal(t, first.Battle.Hash, second.Battle.PreviousHash)
	require.Equal(t, first.Lobby.Hash, second.Lobby.PreviousHash)

	third := mint(t, 3, second)
	require.Equal(t, "battle-2", third.Battle.PreviousUser)
	require.NotContains(t, third.PodTicketKeys, "1:", "the pods have forgotten the first key")
	fourth := mint(t, 4, third)
	require.NotContains(t, fourth.TicketKeys, strings.TrimPrefix(first.TicketKeys, "1:"), "the lobby has forgotten it too")

	back := mint(t, 1, second)
	require.NotEqual(t, first.TicketKeys, back.PodTicketKeys)
	require.NotContains(t, back.TicketKeys, strings.TrimPrefix(first.TicketKeys, "1:"), "the number is another key's now")
}

// While a city is rolled from one generation to the next its pods are changed one by one, and the lobby after them.
func TestRotationIsNoticedByNobody(t *testing.T) {
	t.Parallel()
	keys := func(text string) *ticket.Keys {
		k, err := ticket.ParseKeys(text)
		require.NoError(t, err)
		return k
	}
	var before *Credentials
	for generation := 1; generation <= 5; generation++ {
		after := mint(t, generation, before)
		if before == nil {
			before = after
			continue
		}
		for _, roll := range []struct {
			name        string
			lobby, pods *Credentials
		}{
			{"before", before, before}, {"new pods, old lobby", before, after}, {"old pods on their way out, new lobby", after, before}, {"after", after, after},
		} {
			lobby, pod := keys(roll.lobby.TicketKeys), keys(roll.pods.PodTicketKeys)
			message := []byte("result")
			require.True(t, lobby.Verify(string(pod.Sign(nil, message)), message), "%d, %s: the lobby believes the pod", generation, roll.name)
			if roll.lobby == after && roll.pods == before {
				continue // which takes no new players
			}
			var got ticket.Ticket
			require.NoError(t, pod.Open(lobby.Seal(nil, &ticket.Ticket{Room: 7}), &got), "%d, %s: the pod takes the ticket", generation, roll.name)
		}
		before = after
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	const spec = `{"city": "east/shanghai", "generation": 1, "hosts": ["nats"]}`
	tests := map[string]struct {
		spec, before string
		want         []string
	}{
		"no spec":           {"", "", []string{"read the spec: EOF"}},
		"an unknown key":    {`{"town": "x"}`, "", []string{`unknown field "town"`}},
		"an empty spec":     {`{}`, "", []string{`city: "" is not of the form region/city`, "generation: 0 is not from 1 to 255", "hosts: at least one is required"}},
		"a high generation": {`{"city": "a/b", "generation": 256, "hosts": ["nats"]}`, "", []string{"generation: 256 is not from 1 to 255"}},
		"before is no JSON": {spec, "hidden", []string{"the city's credentials in Pulumi's state cannot be read"}},
		"before is not whole": {spec, `{"generation": 1, "ticketKeys": "1:hidden", "caKey": "hidden"}`, []string{"are not whole",
			"ticketKeys: ticket key 1 must have 64 hexadecimal digits", "podTicketKeys: no ticket key is given", "battle.password is missing", "pseudonymKey is missing"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(strings.NewReader(tt.spec), &out, tt.before, now)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "hidden")
			require.Empty(t, out.String())
		})
	}

	var first, second bytes.Buffer
	require.NoError(t, run(strings.NewReader(spec), &first, "", now))
	require.Equal(t, 1, strings.Count(first.String(), "\n"))
	require.NoError(t, run(strings.NewReader(spec), &second, strings.TrimSpace(first.String()), now))
	require.Equal(t, first.String(), second.String(), "nothing has changed")
}

func FuzzParse(f *testing.F) {
	c, err := Mint(Spec{City: "a/b", Generation: 1, Hosts: hosts}, nil, now)
	require.NoError(f, err)
	text, err := json.Marshal(c)
	require.NoError(f, err)
	f.Add(string(text))
	f.Add(`{"generation": 1e3, "battle": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		// What is whole can be rotated, or says why it cannot.
		next, err := Mint(Spec{City: "a/b", Generation: c.Generation%255 + 1, Hosts: hosts}, c, now)
		if err == nil {
			require.Equal(t, c.PseudonymKey, next.PseudonymKey)
			_, err = ticket.ParseKeys(next.PodTicketKeys)
			require.NoError(t, err)
		}
	})
}
