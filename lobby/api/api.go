// Package api is what players ask of the lobby over HTTP: see openapi.yaml, which is served beside it.
package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	_ "embed"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/placement"
	"github.com/edge-arena/edge-arena/lobby/ratelimit"
	"github.com/edge-arena/edge-arena/lobby/token"
)

// Document describes the API.
//
//go:embed openapi.yaml
var Document []byte

// Result is what became of a request to join.
type Result string

// The results of a request to join.
const (
	Opened       Result = "opened"       // a seat in a new battle
	Joined       Result = "joined"       // a seat in a battle of others
	Returned     Result = "returned"     // the seat that the player had
	Invalid      Result = "invalid"      // not a request to join
	Unauthorized Result = "unauthorized" // no token that counts
	Limited      Result = "limited"      // too often
	Refused      Result = "refused"      // by the policy
	Full         Result = "full"         // the battle that was asked for
	Unknown      Result = "unknown"      // the battle that was asked for
	NoRoom       Result = "no_room"      // on any pod
	Failed       Result = "error"
)

// Results are all of them.
func Results() []Result {
	return []Result{Opened, Joined, Returned, Invalid, Unauthorized, Limited, Refused, Full, Unknown, NoRoom, Failed}
}

// Policy says whether a player may join a battle.
type Policy interface {
	Admit(ctx context.Context, player ticket.ID, role string, game placement.Game) (bool, error)
}

// Board gives seats.
type Board interface {
	Join(ctx context.Context, req placement.Request, admit func(context.Context, placement.Game) (bool, error)) (placement.Seat, error)
	Battle(id ticket.ID) (placement.Info, bool)
}

// Ledger knows the results of battles.
type Ledger interface {
	Battle(ctx context.Context, id ticket.ID) (report.Result, bool, error)
}

// Observer counts.
type Observer interface {
	Joined(r Result, d time.Duration)
	Answered(route string, code int)
}

// Tokens checks tokens.
type Tokens interface {
	Verify(text string) (token.Player, error)
}

// Server answers requests. All fields but Now are required.
type Server struct {
	Tokens   Tokens
	Board    Board
	Policy   Policy
	Ledger   Ledger
	Observer Observer
	// Pseudonym is that of a token's subject.
	Pseudonym func(subject string) ticket.ID
	// Seal makes a ticket.
	Seal func(t *ticket.Ticket) []byte
	// Players bounds how often a player may ask to join, Addresses how often an address may ask for anything.
	Players   *ratelimit.Limiter[ticket.ID]
	Addresses *ratelimit.Limiter[netip.Prefix]
	// Alive and Ready say what the lobby waits for, or nil.
	Alive, Ready func() error
	// Metrics answers /metrics.
	Metrics http.Handler
	Log     *slog.Logger
	// Now tells the time to the limiters. Default is [time.Now].
	Now func() time.Time
}

// The routes, as patterns of [http.ServeMux] and of the document.
const (
	RouteJoin   = "/v1/battles/join"
	RouteBattle = "/v1/battles/{id}"
)

// The bounds of a request. A join waits for nothing but the policy.
const (
	maxBody     = 1 << 10
	joinTimeout = 2 * time.Second
	readTimeout = 2 * time.Second
)

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+RouteJoin, s.limited(RouteJoin, s.join))
	mux.Handle("GET "+RouteBattle, s.limited(RouteBattle, s.battle))
	mux.HandleFunc(RouteBattle, func(w http.ResponseWriter, r *http.Request) {
		allow := "GET, HEAD"
		if r.PathValue("id") == "join" {
			allow = "POST"
		}
		w.Header().Set("Allow", allow)
		problem{Status: http.StatusMethodNotAllowed, Reason: "method", Detail: "only " + allow + " is answered here"}.write(w)
	})
	mux.HandleFunc("GET /v1/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(Document)
	})
	mux.Handle("GET /healthz", health(s.Alive))
	mux.Handle("GET /readyz", health(s.Ready))
	mux.Handle("GET /metrics", s.Metrics)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem{Status: http.StatusNotFound, Reason: "route", Detail: "there is nothing here; see /v1/openapi.yaml"}.write(w)
	})
	return s.recovered(mux)
}

// recovered keeps a mistake of ours to the request that it comes up in. The server itself would log it with the player's address.
func (s *Server) recovered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if why := recover(); why != nil {
				s.Log.Error("panic", "pattern", r.Pattern, "why", fmt.Sprint(why), "stack", string(debug.Stack()))
				panic(http.ErrAbortHandler)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

func health(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		text := "ok\n"
		if err := check(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			text = err.Error() + "\n"
		}
		_, _ = w.Write([]byte(text))
	})
}

// limited lets an address ask only so often, and counts the answers. It comes before the token is looked at: to check a forged one costs us more
// than to send it.
func (s *Server) limited(route string, answer func(w http.ResponseWriter, r *http.Request) int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		code := http.StatusTooManyRequests
		if wait, ok := s.Addresses.Allow(addressOf(r), s.Now()); ok {
			code = answer(w, r)
		} else {
			limited(wait).write(w)
			if route == RouteJoin {
				s.Observer.Joined(Limited, 0)
			}
		}
		s.Observer.Answered(route, code)
	})
}

// addressOf is who asks, as far as that is told by the connection; headers may say anything. In IPv6 a household has a whole /64.
func addressOf(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
