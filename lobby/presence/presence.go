// Package presence hears over NATS what battle pods say of themselves, and hands on what is true and well-formed.
package presence

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/placement"
)

// The bounds of what a pod may say: far above what one has, and far below what would hurt.
const (
	maxMessage = 256 << 10
	maxPlayers = 1000
	maxRooms   = 10_000
	maxName    = 253 // of a Kubernetes object
	maxEndsIn  = 24 * 60 * 60
)

// Result is what became of a message.
type Result string

// The results. All but Taken and Late are refusals.
const (
	Taken     Result = "taken"
	Late      Result = "late"
	Forged    Result = "forged"
	Malformed Result = "malformed"
)

// Results are all of them.
func Results() []Result { return []Result{Taken, Late, Forged, Malformed} }

// Conn is what is needed of a connection to NATS.
type Conn interface {
	Subscribe(subject string, handler nats.MsgHandler) (*nats.Subscription, error)
}

// Listener takes messages.
type Listener struct {
	// Verify says whether a battle pod of this city wrote the message. Required.
	Verify func(mac string, message []byte) bool
	// Take is given each presence. Required.
	Take func(placement.Presence) error
	// Count is told what became of each message, and why it was refused. Default is nobody.
	Count func(result Result, why error)
}

// Subscribe begins to listen. The subscription is made anew by the connection itself when that was lost.
func (l *Listener) Subscribe(c Conn) error {
	_, err := c.Subscribe(report.PresenceSubject+"*", func(m *nats.Msg) { l.handle(m) })
	if err != nil {
		return fmt.Errorf("subscribe to presences: %w", err)
	}
	return nil
}

func (l *Listener) handle(m *nats.Msg) {
	result, err := l.take(m)
	if l.Count != nil {
		l.Count(result, err)
	}
}

func (l *Listener) take(m *nats.Msg) (Result, error) {
	if len(m.Data) > maxMessage {
		return Malformed, fmt.Errorf("presence of more than %d bytes", maxMessage)
	}
	// Nothing is read of what nobody answers for.
	if !l.Verify(m.Header.Get(report.HeaderMAC), m.Data) {
		return Forged, errors.New("presence is not from a battle pod of this city")
	}
	p, err := Parse(m.Data)
	if err != nil {
		return Malformed, err
	}
	if m.Subject != report.PresenceSubject+p.Pod {
		return Malformed, errors.New("presence is of another pod than its subject")
	}
	if err := l.Take(p); errors.Is(err, placement.ErrLate) {
		return Late, nil
	} else if err != nil {
		return Malformed, err
	}
	return Taken, nil
}

// Parse reads a presence, a [report.Presence] in JSON. An error names the field.
func Parse(data []byte) (placement.Presence, error) {
	var r report.Presence
	if err := json.Unmarshal(data, &r); err != nil {
		return placement.Presence{}, fmt.Errorf("parse presence: %w", err)
	}
	p := placement.Presence{
		Pod: r.Pod, Address: r.Address, Sequence: r.Sequence, MaxPlayers: r.MaxPlayers, RoomsLimit: r.RoomsLimit, Draining: r.Draining, Full: r.Full,
		Rooms: make([]placement.Room, 0, min(len(r.Rooms), maxRooms)),
	}
	run, err := strconv.ParseUint(r.Run, 16, 64)
	p.Run = run
	switch {
	case !podName(r.Pod):
		return placement.Presence{}, errors.New("presence: pod: not the name of a pod")
	case err != nil || len(r.Run) != 16:
		return placement.Presence{}, errors.New("presence: run: not 16 hexadecimal digits")
	case !address(r.Address):
		return placement.Presence{}, errors.New("presence: address: not an IP address and a port")
	case r.Sequence == 0:
		return placement.Presence{}, errors.New("presence: sequence: must be 1 or more")
	case r.MaxPlayers < 1 || r.MaxPlayers > maxPlayers:
		return placement.Presence{}, fmt.Errorf("presence: maxPlayers: must be 1 to %d", maxPlayers)
	case r.RoomsLimit < 1 || r.RoomsLimit > maxRooms:
		return placement.Presence{}, fmt.Errorf("presence: roomsLimit: must be 1 to %d", maxRooms)
	case len(r.Rooms) > r.RoomsLimit:
		return placement.Presence{}, errors.New("presence: rooms: more than roomsLimit")
	}
	rooms, battles := map[int]bool{}, map[string]bool{}
	for i := range r.Rooms {
		room, err := parseRoom(&r, &r.Rooms[i])
		if err == nil && (rooms[r.Rooms[i].Room] || battles[r.Rooms[i].Battle]) {
			err = errors.New("room or battle of another")
		}
		if err != nil {
			return placement.Presence{}, fmt.Errorf("presence: rooms[%d]: %w", i, err)
		}
		rooms[r.Rooms[i].Room] = true
		battles[r.Rooms[i].Battle] = r.Rooms[i].Battle != "" // bots have none
		p.Rooms = append(p.Rooms, room)
	}
	return p, nil
}

func parseRoom(p *report.Presence, r *report.Room) (placement.Room, error) {
	switch {
	case r.Room < 0 || r.Room >= p.RoomsLimit:
		return placement.Room{}, errors.New("room: not below roomsLimit")
	case r.EndsIn < 0 || r.EndsIn > maxEndsIn:
		return placement.Room{}, fmt.Errorf("endsIn: must be 0 to %d", maxEndsIn)
	case len(r.Players) > p.MaxPlayers:
		return placement.Room{}, errors.New("players: more than maxPlayers")
	}
	room := placement.Room{Number: uint16(r.Room), EndsIn: time.Duration(r.EndsIn) * time.Second, Players: make([]ticket.ID, 0, len(r.Players))}
	if r.Battle != "" {
		id, err := ticket.ParseID(r.Battle)
		if err != nil || id == (ticket.ID{}) {
			return placement.Room{}, errors.New("battle: not 32 hexadecimal digits, or all zero")
		}
		room.Battle = id
	}
	for i, text := range r.Players {
		id, err := ticket.ParseID(text)
		if err != nil {
			return placement.Room{}, fmt.Errorf("players[%d]: not 32 hexadecimal digits", i)
		}
		room.Players = append(room.Players, id)
	}
	return room, nil
}

// podName is whether the text can be a pod's name. It must be one token of a NATS subject.
func podName(s string) bool {
	return s != "" && len(s) <= maxName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// address is whether the text is an address that a player can reach without asking anybody.
func address(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || net.ParseIP(host) == nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
