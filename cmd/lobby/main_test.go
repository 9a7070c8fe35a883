package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/api"
	"github.com/edge-arena/edge-arena/lobby/ledger"
	"github.com/edge-arena/edge-arena/lobby/token"
)

var ticketKeys = "1:" + strings.Repeat("ab", 32)

func environment(name string) string {
	return map[string]string{
		"TICKET_KEYS": ticketKeys, "PSEUDONYM_KEY": strings.Repeat("0b", 32), "NATS_USER": "lobby", "NATS_PASSWORD": "secret-of-nats",
	}[name]
}

func TestParse(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	c, err := parse([]string{"-city=x", "-issuer=i", "-join-rate=3/1m"}, environment, &out)
	require.NoError(t, err)
	require.Empty(t, out.String())
	require.Equal(t, ":8080", c.listen)
	require.Equal(t, 10*time.Second, c.ticketLifetime)
	require.Equal(t, "3/1m0s", c.joinRate.String())
	require.Equal(t, "200/10s", c.addressRate.String())

	_, err = parse([]string{"-help"}, environment, &out)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Contains(t, out.String(), "-ticket-lifetime")

	_, err = parse([]string{"-city=x", "more"}, environment, io.Discard)
	require.EqualError(t, err, `unexpected argument "more"`)
	_, err = parse([]string{"-join-rate=often"}, environment, io.Discard)
	require.EqualError(t, err, `invalid value "often" for flag -join-rate: rate must be requests/time, such as 10/1m`)

	_, err = parse([]string{"-ticket-lifetime=1m", "-backup-every=1s", "-backup-keep=0"}, func(name string) string {
		if name == "TICKET_KEYS" {
			return "1:abc"
		}
		return ""
	}, io.Discard)
	require.EqualError(t, err, strings.Join([]string{
		"-city: required", "-issuer: required", "NATS_USER: required", "NATS_PASSWORD: required", "-ticket-lifetime 1m0s: must be 1s to 30s",
		"-backup-every 1s: must be 1m or more", "-backup-keep 0: must be 1 or more", "TICKET_KEYS: ticket key 1 must have 64 hexadecimal digits",
		"PSEUDONYM_KEY: pseudonym key must have 64 hexadecimal digits",
	}, "\n"))
}

// output is what the service logs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// lobby is a service that runs with files of its own.
type lobby struct {
	t    *testing.T
	dir  string
	out  *output
	url  string
	key  ed25519.PrivateKey
	stop func() error
}

func start(t *testing.T, nats string) *lobby {
	l := &lobby{t: t, dir: t.TempDir(), out: &output{}, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))}
	l.writeKeys("a")
	rego, err := os.ReadFile("../../lobby/joinpolicy/policy/join.rego")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(l.dir, "join.rego"), rego, 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	require.NoError(t, os.Mkdir(filepath.Join(l.dir, "data"), 0o700))
	go func() {
		ended <- run(ctx, []string{
			"-listen=127.0.0.1:0", "-city=test", "-issuer=accounts", "-nats=" + nats, "-nats-ca=", "-policy=" + filepath.Join(l.dir, "join.rego"),
			"-player-keys=" + filepath.Join(l.dir, "jwks.json"), "-ledger=" + filepath.Join(l.dir, "data", "ledger.db"),
			"-backups=" + filepath.Join(l.dir, "data", "backups"), "-join-rate=1000/1s", "-address-rate=10000/1s",
		}, environment, l.out)
	}()
	l.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("the service does not end")
		}
	})
	t.Cleanup(func() { _ = l.stop() })
	address := regexp.MustCompile(`"msg":"serving",.*"address":"([^"]+)"`)
	l.eventually("it serves", func() bool {
		m := address.FindStringSubmatch(l.out.String())
		if m != nil {
			l.url = "http://" + m[1]
		}
		return m != nil
	})
	return l
}

func (l *lobby) writeKeys(kid string) {
	content, err := token.MarshalKeys(map[string]ed25519.PublicKey{kid: l.key.Public().(ed25519.PublicKey)})
	require.NoError(l.t, err)
	require.NoError(l.t, os.WriteFile(filepath.Join(l.dir, "jwks.json"), content, 0o600))
}

func (l *lobby) eventually(what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("in vain: %s\n%s", what, l.out)
		}
	}
}

func (l *lobby) do(method, path, bearer string) (int, string) {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.url+path, http.NoBody)
	require.NoError(l.t, err)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(l.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(l.t, err)
	return res.StatusCode, string(body)
}

func (l *lobby) token(kid, subject, role string) string {
	l.t.Helper()
	s, err := token.NewSigner(l.key, kid, "accounts")
	require.NoError(l.t, err)
	text, err := s.Sign(token.Player{Subject: subject, Role: role}, "edge-arena", time.Now(), time.Now().Add(time.Hour))
	require.NoError(l.t, err)
	return text
}

// From a pod's presence to a player's ticket, with everything real but NATS itself.
func TestRun(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	l := start(t, nats.url())
	code, text := l.do("GET", "/healthz", "")
	require.Equal(t, "200 ok\n", fmt.Sprint(code, " ", text))
	l.eventually("it is ready", func() bool { code, _ := l.do("GET", "/readyz", ""); return code == 200 })
	require.Contains(t, nats.login, `"user":"lobby"`)
	ann := l.token("a", "ann@example.com", "player")
	code, text = l.do("POST", "/v1/battles/join", ann)
	require.Equal(t, 503, code, text)

	pod, err := ticket.ParseKeys(ticketKeys)
	require.NoError(t, err)
	sequence := uint64(0)
	say := func() bool {
		sequence++
		data, err := json.Marshal(report.Presence{
			Pod: "battle-1", Run: "00000000000000ff", Address: "10.0.0.7:30001", Sequence: sequence, MaxPlayers: 10, RoomsLimit: 2,
		})
		require.NoError(t, err)
		_ = nats.send("battle.presence.*", "battle.presence.battle-1", "1:"+strings.Repeat("0", 32), data)
		return nats.send("battle.presence.*", "battle.presence.battle-1", string(pod.Sign(nil, data)), data)
	}
	join := func(bearer string) (seat api.Seat, code int) {
		t.Helper()
		l.eventually("the pod is heard", func() bool {
			say()
			var text string
			code, text = l.do("POST", "/v1/battles/join", bearer)
			if code == 200 {
				require.NoError(t, json.Unmarshal([]byte(text), &seat))
			}
			return code != 503
		})
		return seat, code
	}
	seat, code := join(ann)
	require.Equal(t, 200, code)
	require.Equal(t, "10.0.0.7:30001", seat.Address)
	sealed, err := base64.RawURLEncoding.DecodeString(seat.Ticket)
	require.NoError(t, err)
	var got ticket.Ticket
	require.NoError(t, pod.Open(sealed, &got))
	require.Equal(t, uint64(255), got.Pod)
	require.Equal(t, seat.Player, got.Player.String())
	other, code := join(l.token("a", "ben@example.com", "player"))
	require.Equal(t, 200, code)
	require.Equal(t, seat.Battle, other.Battle)
	_, code = join(l.token("a", "cid@example.com", "spectator"))
	require.Equal(t, 403, code, "the policy is asked")
	code, text = l.do("GET", "/v1/battles/"+seat.Battle, ann)
	require.Equal(t, 200, code)
	require.Contains(t, text, `"status":"waiting"`)

	// The keys of the players change.
	l.writeKeys("b")
	l.eventually("the new key counts", func() bool {
		code, _ := l.do("GET", "/v1/battles/"+seat.Battle, l.token("b", "ann", "player"))
		return code == 200
	})
	code, _ = l.do("GET", "/v1/battles/"+seat.Battle, ann)
	require.Equal(t, 401, code)

	// NATS goes and comes again: the lobby stays ready, and hears the pods again.
	nats.hangUp()
	l.eventually("it is connected again", say)
	code, _ = l.do("GET", "/readyz", "")
	require.Equal(t, 200, code)
	_, code = join(l.token("b", "dora@example.com", "player"))
	require.Equal(t, 200, code)

	_, text = l.do("GET", "/metrics", "")
	for _, want := range []string{
		`lobby_joins_total\{result="opened"\} 1`, `lobby_policy_decisions_total\{result="deny"\} [1-9]`, `lobby_presences_total\{result="forged"\} [1-9]`,
		`lobby_player_key_reloads_total\{result="taken"\} 1`, `lobby_nats_disconnects_total 1`, `lobby_nats_connected 1`, `lobby_policy_stale 0`,
		`lobby_results_recorded_total\{result="new"\} 0`, `lobby_ledger_mended 0`,
	} {
		require.Regexp(t, "(?m)^"+want, text)
	}
	require.NoError(t, l.stop())
	log := l.out.String()
	for _, secret := range []string{"example.com", "secret-of-nats", strings.Repeat("ab", 32), "127.0.0.1:5", ann} {
		require.NotContains(t, strings.ReplaceAll(log, strings.TrimPrefix(l.url, "http://"), ""), secret)
	}
	for line := range strings.Lines(log) {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

// Without NATS the lobby lives, says what it waits for, and ends when it is told to.
func TestRunWithoutNATS(t *testing.T) {
	t.Parallel()
	l := start(t, "nats://127.0.0.1:1")
	code, _ := l.do("GET", "/healthz", "")
	require.Equal(t, 200, code)
	code, text := l.do("GET", "/readyz", "")
	require.Equal(t, 503, code)
	require.Equal(t, "NATS has not been reached\n", text)
	code, _ = l.do("POST", "/v1/battles/join", l.token("a", "ann", "player"))
	require.Equal(t, 503, code)
	require.NoError(t, l.stop())
}

func TestBook(t *testing.T) {
	t.Parallel()
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	id := ticket.ID{1}
	_, found, err := book{l}.Battle(t.Context(), id)
	require.NoError(t, err)
	require.False(t, found)
	result := report.Result{
		Battle: id.String(), Pod: "battle-1", Run: "00000000000000ff", Outcome: report.Finished, StartedAt: 1000, EndedAt: 2000, Ticks: 120, TickRate: 120,
		Players: []report.Score{{Player: ticket.ID{2}.String(), Points: 3}},
	}
	require.NoError(t, l.Record(t.Context(), []ledger.Entry{{At: ledger.Position{Created: time.Unix(1, 0), Sequence: 1}, Result: &result}}))
	got, found, err := book{l}.Battle(t.Context(), id)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, result, got)
	require.NoError(t, l.Close())
	_, found, err = book{l}.Battle(t.Context(), id)
	require.ErrorContains(t, err, "read battle")
	require.False(t, found)
}

func TestRunSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := filepath.Join(dir, "jwks.json")
	content, err := token.MarshalKeys(map[string]ed25519.PublicKey{"a": ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(keys, content, 0o600))
	for name, tc := range map[string]struct {
		args []string
		err  string
	}{
		"flags":  {nil, "-city: required"},
		"keys":   {[]string{"-city=x", "-issuer=i", "-player-keys=" + filepath.Join(dir, "none")}, "read player keys: open "},
		"policy": {[]string{"-city=x", "-issuer=i", "-player-keys=" + keys, "-policy=" + filepath.Join(dir, "none")}, "join policy "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, run(t.Context(), tc.args, environment, io.Discard), tc.err)
		})
	}
}
