// Package players does what a player's game does: it asks a city's lobby for a seat, plays the battle that it is given to its end, and learns whether
// the result was recorded.
package players

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// Seat is what the lobby gives.
type Seat struct {
	// Battle is the battle's identity, Player the player's in it.
	Battle string `json:"battle"`
	Player string `json:"player"`
	// Pod has the battle, in Room, and is reached at Address.
	Pod     string `json:"pod"`
	Address string `json:"address"`
	Room    int    `json:"room"`
	// Ticket is for the battle server, until ExpiresAt.
	Ticket    string    `json:"ticket"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Sealed is the ticket as the battle server wants it.
func (s Seat) Sealed() ([ticket.Size]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(s.Ticket)
	if err != nil || len(b) != ticket.Size {
		return [ticket.Size]byte{}, fmt.Errorf("the lobby's ticket has %d bytes, want %d: %w", len(b), ticket.Size, err)
	}
	return [ticket.Size]byte(b), nil
}

// RefusedError is the lobby's refusal.
type RefusedError struct {
	// Status is the HTTP status, Detail the lobby's words.
	Status int
	Detail string
}

// Error gives the lobby's words.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused by the lobby: %d %s", e.Status, e.Detail)
}

// Lobby is a city's lobby.
type Lobby struct {
	// URL is where it is: `http://host:port`.
	URL string
	// Client asks. Default is [http.DefaultClient].
	Client *http.Client
}

// Join asks for a seat; battle may name one to join, or be empty. A refusal is a [*RefusedError].
func (l Lobby) Join(ctx context.Context, token, battle string) (Seat, error) {
	var seat Seat
	body := []byte("{}")
	if battle != "" {
		body = fmt.Appendf(nil, `{"battle":%q}`, battle)
	}
	err := l.ask(ctx, http.MethodPost, "/v1/battles/join", token, body, &seat)
	return seat, err
}

// Battle is how a battle stands, or ended.
type Battle struct {
	Battle string `json:"battle"`
	Status string `json:"status"`
}

// Battle asks how a battle stands.
func (l Lobby) Battle(ctx context.Context, token, battle string) (Battle, error) {
	var b Battle
	err := l.ask(ctx, http.MethodGet, "/v1/battles/"+battle, token, nil, &b)
	return b, err
}

func (l Lobby) ask(ctx context.Context, method, path, token string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, l.URL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the lobby: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := l.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the lobby: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("ask the lobby: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct {
			Title  string `json:"title"`
			Detail string `json:"detail"`
		}
		if json.Unmarshal(content, &problem) != nil {
			problem.Detail = string(content)
		}
		return &RefusedError{Status: resp.StatusCode, Detail: problem.Title + ": " + problem.Detail}
	}
	if err := json.Unmarshal(content, answer); err != nil {
		return fmt.Errorf("ask the lobby: %s %s: %w", method, path, err)
	}
	return nil
}
