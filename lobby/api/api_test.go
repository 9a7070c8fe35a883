package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/api"
	"github.com/edge-arena/edge-arena/lobby/keyring"
	"github.com/edge-arena/edge-arena/lobby/metrics"
	"github.com/edge-arena/edge-arena/lobby/placement"
	"github.com/edge-arena/edge-arena/lobby/ratelimit"
	"github.com/edge-arena/edge-arena/lobby/token"
)

// tokens takes any text as the subject.
type tokens struct{}

func (tokens) Verify(text string) (token.Player, error) {
	if text == "expired" {
		return token.Player{}, token.ErrExpired
	}
	return token.Player{Subject: text, Role: "player"}, nil
}

type policy func(player ticket.ID, role string, g placement.Game) (bool, error)

func (p policy) Admit(_ context.Context, player ticket.ID, role string, g placement.Game) (bool, error) {
	return p(player, role, g)
}

type ledger map[string]report.Result

func (l ledger) Battle(_ context.Context, id ticket.ID) (report.Result, bool, error) {
	if id == (ticket.ID{0xee}) {
		return report.Result{}, false, errors.New("disk is full")
	}
	r, ok := l[id.String()]
	return r, ok, nil
}

const ticketKeys = "3:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

type lobby struct {
	*api.Server
	t       testing.TB
	board   *placement.Board
	metrics *metrics.Metrics
	log     *bytes.Buffer
	handler http.Handler
	router  routers.Router
	seen    map[string]bool
	address string
	said    uint64
}

func pseudonym(subject string) ticket.ID {
	var id ticket.ID
	copy(id[1:], subject)
	return id
}

func yes(ticket.ID, string, placement.Game) (bool, error) { return true, nil }

func newLobby(t testing.TB) *lobby {
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	l := &lobby{
		t: t, board: placement.New(placement.Config{TicketLifetime: 10 * time.Second, Now: now}), log: &bytes.Buffer{}, seen: map[string]bool{},
	}
	l.metrics = metrics.New(l.board.Stats)
	ring, err := keyring.Parse(ticketKeys)
	require.NoError(t, err)
	healthy := func() error { return nil }
	l.Server = &api.Server{
		Tokens: tokens{}, Board: l.board, Policy: policy(yes), Ledger: ledger{}, Observer: l.metrics, Pseudonym: pseudonym, Seal: ring.Seal,
		Players:   ratelimit.New[ticket.ID](ratelimit.Rate{Requests: 1e9, Per: time.Second}, 10_000),
		Addresses: ratelimit.New[netip.Prefix](ratelimit.Rate{Requests: 1e9, Per: time.Second}, 10_000),
		Alive:     healthy, Ready: healthy, Metrics: l.metrics.Handler(), Log: slog.New(slog.NewJSONHandler(l.log, nil)), Now: now,
	}
	l.handler = l.Handler()
	l.address = "192.0.2.1:5000"
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	l.router, err = gorillamux.NewRouter(doc)
	require.NoError(t, err)
	return l
}

// pod is there with room for one battle of two.
func (l *lobby) pod(rooms ...placement.Room) {
	l.said++
	require.NoError(l.t, l.board.Presence(placement.Presence{
		Pod: "battle-1", Address: "10.0.0.7:30001", Run: 77, Sequence: l.said, MaxPlayers: 2, RoomsLimit: 1, Rooms: rooms,
	}))
}

// ask sends a request and holds the answer against the document.
func (l *lobby) ask(method, path, bearer, body string) *http.Response {
	l.t.Helper()
	req := func() *http.Request {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.RemoteAddr = l.address
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		return r
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, req())
	res := w.Result()
	l.check(req(), res)
	return res
}

func (l *lobby) check(r *http.Request, res *http.Response) {
	l.t.Helper()
	body, err := io.ReadAll(res.Body)
	require.NoError(l.t, err)
	res.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := l.router.FindRoute(r)
	if err != nil {
		return // not in the document, and so not to be held against it
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	out.SetBodyBytes(body)
	require.NoError(l.t, openapi3filter.ValidateResponse(l.t.Context(), out), "%s %s: %d %s", r.Method, r.URL.Path, res.StatusCode, body)
	l.seen[route.Method+" "+route.Path+" "+http.StatusText(res.StatusCode)] = true
	if res.StatusCode >= 300 || r.URL.Path == "/metrics" {
		return
	}
	in.Options = &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	require.NoError(l.t, openapi3filter.ValidateRequest(l.t.Context(), in), "the document allows what is answered")
}

func decode[T any](t testing.TB, res *http.Response) T {
	t.Helper()
	var v T
	require.NoError(t, json.NewDecoder(res.Body).Decode(&v))
	return v
}

type problem struct {
	Status         int
	Reason, Detail string
}

func (l *lobby) refused(res *http.Response, status int, reason, detail string) {
	l.t.Helper()
	require.Equal(l.t, status, res.StatusCode)
	require.Equal(l.t, "application/problem+json", res.Header.Get("Content-Type"))
	require.Equal(l.t, problem{Status: status, Reason: reason, Detail: detail}, decode[problem](l.t, res))
}

const join = "/v1/battles/join"

func id(b byte) string { return ticket.ID{b}.String() }

// Every answer that the document names is given here, and held against it.
func TestAnswersAreAsDocumented(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.refused(l.ask(http.MethodPost, join, "ann", ""), 503, "room", "no battle pod has room")
	l.pod()

	res := l.ask(http.MethodPost, join, "ann", "{}")
	require.Equal(t, 200, res.StatusCode)
	seat := decode[api.Seat](t, res)
	require.Equal(t, "10.0.0.7:30001", seat.Address)
	require.Equal(t, pseudonym("ann").String(), seat.Player)
	require.Equal(t, time.Unix(1_800_000_010, 0).UTC(), seat.ExpiresAt)
	sealed, err := base64.RawURLEncoding.DecodeString(seat.Ticket)
	require.NoError(t, err)
	keys, err := ticket.ParseKeys(ticketKeys)
	require.NoError(t, err)
	var got ticket.Ticket
	require.NoError(t, keys.Open(sealed, &got))
	require.NotZero(t, got.Serial)
	battle, err := ticket.ParseID(seat.Battle)
	require.NoError(t, err)
	require.Equal(t, ticket.Ticket{
		Pod: 77, Room: seat.Room, Battle: battle, Player: pseudonym("ann"), Serial: got.Serial, Expires: seat.ExpiresAt.UnixMilli(),
	}, got)

	again := decode[api.Seat](t, l.ask(http.MethodPost, join, "ann", ""))
	require.Equal(t, seat.Battle, again.Battle)
	require.NotEqual(t, seat.Ticket, again.Ticket)
	friend := decode[api.Seat](t, l.ask(http.MethodPost, join, "ben", `{"battle":"`+seat.Battle+`"}`))
	require.Equal(t, seat.Battle, friend.Battle)

	l.refused(l.ask(http.MethodPost, join, "cid", `{"battle":"`+seat.Battle+`"}`), 409, "full", "battle is full")
	l.refused(l.ask(http.MethodPost, join, "cid", `{"battle":"`+id(9)+`"}`), 404, "battle", "battle is not being fought")
	l.refused(l.ask(http.MethodPost, join, "cid", "{}"), 503, "room", "no battle pod has room")
	res = l.ask(http.MethodPost, join, "", "{}")
	require.Equal(t, `Bearer error="invalid_token"`, res.Header.Get("WWW-Authenticate"))
	l.refused(res, 401, "token", "no bearer token")
	l.refused(l.ask(http.MethodPost, join, "expired", "{}"), 401, "token", "token has expired")
	l.refused(l.ask(http.MethodPost, join, "cid", strings.Repeat(" ", 1<<10+1)), 413, "request", "body is too large")
	for body, detail := range map[string]string{
		"[]": "body must be a JSON object with nothing but battle", `{"room":1}`: "body must be a JSON object with nothing but battle",
		"{}{}": "body must be a JSON object with nothing but battle", `{"battle":7}`: "body must be a JSON object with nothing but battle",
		`{"battle":"7"}`: "battle must be 32 hexadecimal digits", `{"battle":"` + id(0) + `"}`: "battle must be 32 hexadecimal digits",
	} {
		l.refused(l.ask(http.MethodPost, join, "cid", body), 400, "request", detail)
	}
	form := httptest.NewRequest(http.MethodPost, join, strings.NewReader("battle=1"))
	form.Header.Set("Authorization", "bearer cid")
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, form)
	l.check(form, w.Result())
	require.Equal(t, 415, w.Code)

	l.Policy = policy(func(ticket.ID, string, placement.Game) (bool, error) { return false, nil })
	l.refused(l.ask(http.MethodPost, join, "ben", "{}"), 403, "policy", "policy does not admit the player")
	l.Policy = policy(func(ticket.ID, string, placement.Game) (bool, error) { return true, errors.New("undefined") })
	l.refused(l.ask(http.MethodPost, join, "ben", "{}"), 500, "error", "the lobby failed")
	l.Policy = policy(yes)

	one := func(id string) api.Battle {
		res := l.ask("GET", "/v1/battles/"+id, "ann", "")
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		return decode[api.Battle](t, res)
	}
	require.Equal(t, api.Battle{
		Battle: seat.Battle, Status: "playing", Pod: "battle-1", Players: []string{pseudonym("ann").String(), pseudonym("ben").String()},
	}, one(seat.Battle))
	l.pod(placement.Room{Battle: battle, EndsIn: time.Minute, Players: []ticket.ID{pseudonym("ann")}})
	l.pod()
	require.Equal(t, "playing", one(seat.Battle).Status, "its result is on its way")
	started, ended := time.UnixMilli(1_800_000_000_000).UTC(), time.UnixMilli(1_800_000_060_500).UTC()
	scores := []report.Score{{Player: pseudonym("ann").String(), Points: 7}, {Player: pseudonym("ben").String(), Left: true}}
	l.Ledger = ledger{seat.Battle: {
		Battle: seat.Battle, Pod: "battle-1", Outcome: report.Finished, StartedAt: started.UnixMilli(), EndedAt: ended.UnixMilli(), Players: scores,
	}}
	require.Equal(t, api.Battle{
		Battle: seat.Battle, Status: "finished", Pod: "battle-1", Players: []string{scores[0].Player, scores[1].Player}, Scores: scores,
		StartedAt: &started, EndedAt: &ended,
	}, one(seat.Battle))
	l.refused(l.ask("GET", "/v1/battles/"+id(1), "ann", ""), 404, "battle", "there is no such battle")
	l.refused(l.ask("GET", "/v1/battles/none", "ann", ""), 404, "battle", "there is no such battle")
	l.refused(l.ask("GET", "/v1/battles/"+id(0xee), "ann", ""), 500, "error", "the lobby failed")
	l.refused(l.ask("GET", "/v1/battles/"+id(1), "", ""), 401, "token", "no bearer token")

	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/v1/openapi.yaml"} {
		require.Equal(t, 200, l.ask("GET", path, "", "").StatusCode, path)
	}
	sick := func() error { return errors.New("NATS is not connected") }
	l.Alive, l.Ready = sick, sick
	l.handler = l.Handler()
	for _, path := range []string{"/healthz", "/readyz"} {
		res := l.ask("GET", path, "", "")
		require.Equal(t, 503, res.StatusCode, path)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, "NATS is not connected\n", string(text))
	}
	limit := func() {
		l.Players = ratelimit.New[ticket.ID](ratelimit.Rate{Requests: 1, Per: 90 * time.Second}, 10)
		l.Addresses = ratelimit.New[netip.Prefix](ratelimit.Rate{Requests: 2, Per: time.Hour}, 10)
	}
	limit()
	l.ask(http.MethodPost, join, "ann", "")
	res = l.ask(http.MethodPost, join, "ann", "")
	require.Equal(t, "90", res.Header.Get("Retry-After"))
	l.refused(res, 429, "rate", "too many requests")
	l.refused(l.ask(http.MethodPost, join, "ben", ""), 429, "rate", "too many requests")
	l.refused(l.ask("GET", "/v1/battles/"+id(1), "ben", ""), 429, "rate", "too many requests")
	l.address = "[2001:db8::1]:5000"
	require.Equal(t, 404, l.ask("GET", "/v1/battles/"+id(1), "ben", "").StatusCode)
	l.address = "[2001:db8::2]:5000"
	require.Equal(t, 404, l.ask("GET", "/v1/battles/"+id(1), "ben", "").StatusCode)
	require.Equal(t, 429, l.ask("GET", "/v1/battles/"+id(1), "ben", "").StatusCode, "a /64 is one address")

	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for code := range op.Responses.Map() {
				var status int
				require.NoError(t, json.Unmarshal([]byte(code), &status))
				require.True(t, l.seen[method+" "+path+" "+http.StatusText(status)], "%s %s: %s was not tried", method, path, code)
			}
		}
	}
	for _, name := range []string{"ann", "ben", "192.0.2.1", pseudonym("ann").String()} {
		require.NotContains(t, l.log.String(), name, "logs are about no one")
	}
	res = l.ask("GET", "/metrics", "", "")
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	for _, line := range []string{
		`lobby_joins_total{result="opened"} 1`, `lobby_joins_total{result="full"} 1`, `lobby_joins_total{result="invalid"} 8`,
		`lobby_http_requests_total{code="409",route="/v1/battles/join"} 1`, "lobby_pods 1", "lobby_rooms_limit 1",
	} {
		require.Contains(t, string(text), line+"\n")
	}
}

func TestOtherRequests(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	for name, tc := range map[string]struct {
		method, path, allow string
		status              int
	}{
		"join by GET":          {"GET", join, "", 404},
		"join by DELETE":       {"DELETE", join, http.MethodPost, 405},
		"battle by POST":       {http.MethodPost, "/v1/battles/" + id(1), "GET, HEAD", 405},
		"nothing":              {"GET", "/", "", 404},
		"another path":         {"GET", "/v2", "", 404},
		"metrics are not sent": {http.MethodPost, "/metrics", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, tc.path, http.NoBody)
			r.Header.Set("Authorization", "Bearer ann")
			w := httptest.NewRecorder()
			l.handler.ServeHTTP(w, r)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.allow, w.Header().Get("Allow"))
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		})
	}
}

func TestPanicIsLoggedWithoutWhoAsked(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.pod()
	l.Policy = policy(func(ticket.ID, string, placement.Game) (bool, error) { panic("oh no") })
	r := httptest.NewRequest(http.MethodPost, join, http.NoBody)
	r.Header.Set("Authorization", "Bearer ann")
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { l.handler.ServeHTTP(httptest.NewRecorder(), r) })
	require.Contains(t, l.log.String(), `"why":"oh no"`)
	require.NotContains(t, l.log.String(), "192.0.2.1")
	require.Zero(t, l.board.Stats().Rooms, "the seat is given back")
}

func FuzzJoinBody(f *testing.F) {
	for _, body := range []string{"", "{}", `{"battle":"` + id(1) + `"}`, `{"battle":null}`, "[", `{"battle":"\u0000"}`} {
		f.Add(body)
	}
	l := newLobby(f)
	l.pod()
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, join, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer ann")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		l.handler.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 503 || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

func BenchmarkJoin(b *testing.B) {
	for name, p := range map[string]api.Policy{"no policy": policy(yes), "policy of 0.1 ms": policy(func(ticket.ID, string, placement.Game) (bool, error) {
		for began := time.Now(); time.Since(began) < 100*time.Microsecond; {
			continue
		}
		return true, nil
	})} {
		b.Run(name, func(b *testing.B) {
			l := newLobby(b)
			l.Policy = p
			l.pod()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := httptest.NewRequest(http.MethodPost, join, http.NoBody)
					r.Header.Set("Authorization", "Bearer ann")
					w := httptest.NewRecorder()
					l.handler.ServeHTTP(w, r)
					if w.Code != 200 {
						b.Error(w.Code, w.Body)
						return
					}
				}
			})
		})
	}
}
