package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/placement"
)

// Seat is the answer to a request to join.
type Seat struct {
	// Battle and Player are identities, 32 hexadecimal digits each.
	Battle string `json:"battle"`
	Player string `json:"player"`
	// Address is where the pod is reached, `host:port` over UDP.
	Address string `json:"address"`
	Pod     string `json:"pod"`
	Room    uint16 `json:"room"`
	// Ticket is the sealed ticket in base64url without padding.
	Ticket    string    `json:"ticket"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Battle is how a battle stands, or ended.
type Battle struct {
	Battle string `json:"battle"`
	// Status is a [placement.Status] or a [report.Outcome].
	Status    string     `json:"status"`
	Pod       string     `json:"pod"`
	Room      int        `json:"room"`
	Players   []string   `json:"players"`
	Scores    []Score    `json:"scores,omitempty"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
}

// Score is what a player reached.
type Score = report.Score

// player is who asks.
type player struct {
	id   ticket.ID
	role string
}

// bearer says who asks, by the token.
func (s *Server) bearer(r *http.Request) (player, *problem) {
	kind, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return player{}, &problem{Status: http.StatusUnauthorized, Reason: "token", Detail: "no bearer token", result: Unauthorized}
	}
	p, err := s.Tokens.Verify(text)
	if err != nil {
		return player{}, &problem{Status: http.StatusUnauthorized, Reason: "token", Detail: err.Error(), result: Unauthorized}
	}
	return player{id: s.Pseudonym(p.Subject), role: p.Role}, nil
}

func (s *Server) join(w http.ResponseWriter, r *http.Request) int {
	began := time.Now()
	seat, result, p := s.seat(w, r)
	var code int
	if p != nil {
		result = p.result
		code = p.write(w)
	} else {
		code = write(w, "application/json", http.StatusOK, seat)
	}
	s.Observer.Joined(result, time.Since(began))
	return code
}

func (s *Server) seat(w http.ResponseWriter, r *http.Request) (*Seat, Result, *problem) {
	who, p := s.bearer(r)
	if p != nil {
		return nil, "", p
	}
	if wait, ok := s.Players.Allow(who.id, s.Now()); !ok {
		p := limited(wait)
		return nil, "", &p
	}
	req, p := readJoin(w, r)
	if p != nil {
		return nil, "", p
	}
	ctx, cancel := context.WithTimeout(r.Context(), joinTimeout)
	defer cancel()
	req.Player = who.id
	got, err := s.Board.Join(ctx, req, func(ctx context.Context, g placement.Game) (bool, error) {
		return s.Policy.Admit(ctx, who.id, who.role, g)
	})
	if err != nil {
		p := problemOf(err)
		if p.result == Failed {
			s.Log.Error("join failed", "err", err)
		}
		return nil, "", &p
	}
	sealed := s.Seal(&ticket.Ticket{
		Pod: got.Run, Room: got.Room, Battle: got.Battle, Player: who.id, Serial: serial(), Expires: got.Expires.UnixMilli(),
	})
	return &Seat{
		Battle: got.Battle.String(), Player: who.id.String(), Address: got.Address, Pod: got.Pod, Room: got.Room,
		Ticket: base64.RawURLEncoding.EncodeToString(sealed), ExpiresAt: got.Expires.UTC().Truncate(time.Millisecond),
	}, resultOf(got), nil
}

func resultOf(s placement.Seat) Result {
	switch {
	case s.Returned:
		return Returned
	case s.Opened:
		return Opened
	default:
		return Joined
	}
}

func serial() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it does not fail
	return binary.LittleEndian.Uint64(b[:])
}

// readJoin reads the body: nothing, {} or {"battle":"<identity>"}.
func readJoin(w http.ResponseWriter, r *http.Request) (placement.Request, *problem) {
	invalid := func(status int, detail string) (placement.Request, *problem) {
		return placement.Request{}, &problem{Status: status, Reason: "request", Detail: detail, result: Invalid}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return invalid(http.StatusRequestEntityTooLarge, "body is too large")
	}
	if err != nil {
		return invalid(http.StatusBadRequest, "body cannot be read")
	}
	if len(body) == 0 {
		return placement.Request{}, nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return invalid(http.StatusUnsupportedMediaType, "content type must be application/json")
	}
	battle, err := parseJoin(body)
	if err != nil {
		return invalid(http.StatusBadRequest, err.Error())
	}
	return placement.Request{Battle: battle}, nil
}

func parseJoin(body []byte) (ticket.ID, error) {
	var in struct {
		Battle *string `json:"battle"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return ticket.ID{}, errors.New("body must be a JSON object with nothing but battle")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ticket.ID{}, errors.New("body must be a JSON object with nothing but battle")
	}
	if in.Battle == nil {
		return ticket.ID{}, nil
	}
	id, err := ticket.ParseID(*in.Battle)
	if err != nil || id == (ticket.ID{}) {
		return ticket.ID{}, errors.New("battle must be 32 hexadecimal digits")
	}
	return id, nil
}

func (s *Server) battle(w http.ResponseWriter, r *http.Request) int {
	if _, p := s.bearer(r); p != nil {
		return p.write(w)
	}
	id, err := ticket.ParseID(r.PathValue("id"))
	if err != nil {
		return unknownBattle().write(w)
	}
	info, known := s.Board.Battle(id)
	if !known || info.Over {
		ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
		defer cancel()
		result, found, err := s.Ledger.Battle(ctx, id)
		switch {
		case err != nil:
			s.Log.Error("read the ledger", "err", err)
			return problemOf(err).write(w)
		case found:
			return write(w, "application/json", http.StatusOK, ended(&result))
		case !known:
			return unknownBattle().write(w)
		}
	}
	b := Battle{Battle: info.Battle.String(), Status: string(info.Status), Pod: info.Pod, Room: int(info.Room), Players: make([]string, 0, len(info.Players))}
	for _, id := range info.Players {
		b.Players = append(b.Players, id.String())
	}
	return write(w, "application/json", http.StatusOK, b)
}

func unknownBattle() problem {
	return problem{Status: http.StatusNotFound, Reason: "battle", Detail: "there is no such battle"}
}

// ended is a battle with a result.
func ended(r *report.Result) Battle {
	started, end := time.UnixMilli(r.StartedAt).UTC(), time.UnixMilli(r.EndedAt).UTC()
	b := Battle{
		Battle: r.Battle, Status: string(r.Outcome), Pod: r.Pod, Room: r.Room, Players: make([]string, 0, len(r.Players)), Scores: r.Players,
		StartedAt: &started, EndedAt: &end,
	}
	for _, p := range r.Players {
		b.Players = append(b.Players, p.Player)
	}
	return b
}
