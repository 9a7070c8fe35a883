package api

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/edge-arena/edge-arena/lobby/placement"
)

// problem is an answer that is none, by RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Reason is for programs.
	Reason string `json:"reason"`

	retry  time.Duration
	result Result
}

// write sends the problem and returns its status.
func (p problem) write(w http.ResponseWriter) int {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retry.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	return write(w, "application/problem+json", p.Status, p)
}

func write(w http.ResponseWriter, kind string, status int, body any) int {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // if it fails, the player has hung up
	return status
}

func limited(wait time.Duration) problem {
	return problem{Status: http.StatusTooManyRequests, Reason: "rate", Detail: "too many requests", retry: wait, result: Limited}
}

// retrySoon is when a seat may have become free: presences come twice a second.
const retrySoon = time.Second

// problemOf is what the player is told when there is no seat. The cause of a failure is not for players.
func problemOf(err error) problem {
	switch {
	case errors.Is(err, placement.ErrRefused):
		return problem{Status: http.StatusForbidden, Reason: "policy", Detail: err.Error(), result: Refused}
	case errors.Is(err, placement.ErrFull):
		return problem{Status: http.StatusConflict, Reason: "full", Detail: err.Error(), result: Full}
	case errors.Is(err, placement.ErrUnknown):
		return problem{Status: http.StatusNotFound, Reason: "battle", Detail: err.Error(), result: Unknown}
	case errors.Is(err, placement.ErrNoRoom):
		return problem{Status: http.StatusServiceUnavailable, Reason: "room", Detail: err.Error(), retry: retrySoon, result: NoRoom}
	default:
		return problem{Status: http.StatusInternalServerError, Reason: "error", Detail: "the lobby failed", result: Failed}
	}
}
