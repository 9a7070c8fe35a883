package presence_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/lobby/keyring"
	"github.com/edge-arena/edge-arena/lobby/placement"
	"github.com/edge-arena/edge-arena/lobby/presence"
)

const (
	battle = "0102030405060708090a0b0c0d0e0f10"
	player = "100f0e0d0c0b0a090807060504030201"
)

func said(change func(p *report.Presence)) []byte {
	p := report.Presence{
		Pod: "real-time-battle-7d9-x2x", Run: "00000000000000ff", Address: "10.0.0.7:30001", Sequence: 9, TickRate: 120, MaxPlayers: 10, RoomsLimit: 4,
		Draining: true, Full: true, Rooms: []report.Room{
			{Room: 0, EndsIn: 3, Players: []string{}}, {Room: 1, Players: []string{player}}, {Room: 3, Battle: battle, EndsIn: 59, Players: []string{player}},
		},
	}
	if change != nil {
		change(&p)
	}
	data, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return data
}

func id(t testing.TB, text string) ticket.ID {
	t.Helper()
	id, err := ticket.ParseID(text)
	require.NoError(t, err)
	return id
}

func want(t testing.TB) placement.Presence {
	return placement.Presence{
		Pod: "real-time-battle-7d9-x2x", Address: "10.0.0.7:30001", Run: 255, Sequence: 9, MaxPlayers: 10, RoomsLimit: 4, Draining: true, Full: true,
		Rooms: []placement.Room{
			{Number: 0, EndsIn: 3 * time.Second, Players: []ticket.ID{}},
			{Number: 1, Players: []ticket.ID{id(t, player)}},
			{Number: 3, Battle: id(t, battle), EndsIn: 59 * time.Second, Players: []ticket.ID{id(t, player)}},
		},
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := presence.Parse(said(nil))
	require.NoError(t, err)
	require.Equal(t, want(t), got)
	for name, tc := range map[string]struct {
		change func(p *report.Presence)
		err    string
	}{
		"no pod":           {func(p *report.Presence) { p.Pod = "" }, "pod: not the name of a pod"},
		"pod of two words": {func(p *report.Presence) { p.Pod = "a.b" }, "pod: not the name of a pod"},
		"wildcard":         {func(p *report.Presence) { p.Pod = ">" }, "pod: not the name of a pod"},
		"short run":        {func(p *report.Presence) { p.Run = "ff" }, "run: not 16 hexadecimal digits"},
		"run":              {func(p *report.Presence) { p.Run = "-0000000000000ff" }, "run: not 16 hexadecimal digits"},
		"no port":          {func(p *report.Presence) { p.Address = "10.0.0.7" }, "address: not an IP address and a port"},
		"port 0":           {func(p *report.Presence) { p.Address = "10.0.0.7:0" }, "address: not an IP address and a port"},
		"host name":        {func(p *report.Presence) { p.Address = "mallory.example:1" }, "address: not an IP address and a port"},
		"sequence":         {func(p *report.Presence) { p.Sequence = 0 }, "sequence: must be 1 or more"},
		"no places":        {func(p *report.Presence) { p.MaxPlayers = 0 }, "maxPlayers: must be 1 to 1000"},
		"many places":      {func(p *report.Presence) { p.MaxPlayers = 1001 }, "maxPlayers: must be 1 to 1000"},
		"no rooms":         {func(p *report.Presence) { p.RoomsLimit = 0 }, "roomsLimit: must be 1 to 10000"},
		"many rooms":       {func(p *report.Presence) { p.RoomsLimit = 2 }, "rooms: more than roomsLimit"},
		"room":             {func(p *report.Presence) { p.Rooms[1].Room = 4 }, "rooms[1]: room: not below roomsLimit"},
		"negative room":    {func(p *report.Presence) { p.Rooms[1].Room = -1 }, "rooms[1]: room: not below roomsLimit"},
		"room twice":       {func(p *report.Presence) { p.Rooms[1].Room = 0 }, "rooms[1]: room or battle of another"},
		"battle twice":     {func(p *report.Presence) { p.Rooms[1].Battle = battle }, "rooms[2]: room or battle of another"},
		"end":              {func(p *report.Presence) { p.Rooms[1].EndsIn = -1 }, "rooms[1]: endsIn: must be 0 to 86400"},
		"battle":           {func(p *report.Presence) { p.Rooms[2].Battle = "7" }, "rooms[2]: battle: not 32 hexadecimal digits, or all zero"},
		"battle zero":      {func(p *report.Presence) { p.Rooms[2].Battle = strings.Repeat("0", 32) }, "rooms[2]: battle: not 32 hexadecimal digits, or all zero"},
		"player":           {func(p *report.Presence) { p.Rooms[2].Players = []string{player, "me"} }, "rooms[2]: players[1]: not 32 hexadecimal digits"},
		"crowd":            {func(p *report.Presence) { p.Rooms[2].Players = make([]string, 11) }, "rooms[2]: players: more than maxPlayers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := presence.Parse(said(tc.change))
			require.EqualError(t, err, "presence: "+tc.err)
		})
	}
	_, err = presence.Parse([]byte("{"))
	require.EqualError(t, err, "parse presence: unexpected end of JSON input")
}

// conn hands the test the handler.
type conn struct {
	subject string
	handler nats.MsgHandler
	err     error
}

func (c *conn) Subscribe(subject string, handler nats.MsgHandler) (*nats.Subscription, error) {
	c.subject, c.handler = subject, handler
	return nil, c.err
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	keys := "1:" + strings.Repeat("ab", 32)
	ring, err := keyring.Parse(keys)
	require.NoError(t, err)
	pod, err := ticket.ParseKeys(keys)
	require.NoError(t, err)
	stranger, err := ticket.ParseKeys("1:" + strings.Repeat("cd", 32))
	require.NoError(t, err)
	message := func(keys *ticket.Keys, subject string, data []byte) *nats.Msg {
		return &nats.Msg{Subject: subject, Data: data, Header: nats.Header{report.HeaderMAC: {string(keys.Sign(nil, data))}}}
	}
	const subject = "battle.presence.real-time-battle-7d9-x2x"
	for name, tc := range map[string]struct {
		message *nats.Msg
		taken   error
		result  presence.Result
		err     string
	}{
		"good":     {message: message(pod, subject, said(nil)), result: presence.Taken},
		"late":     {message: message(pod, subject, said(nil)), taken: placement.ErrLate, result: presence.Late},
		"unsigned": {message: &nats.Msg{Subject: subject, Data: said(nil)}, result: presence.Forged, err: "presence is not from a battle pod of this city"},
		"stranger": {message: message(stranger, subject, said(nil)), result: presence.Forged, err: "presence is not from a battle pod of this city"},
		"another's subject": {
			message: message(pod, "battle.presence.b", said(nil)), result: presence.Malformed, err: "presence is of another pod than its subject",
		},
		"no presence": {message: message(pod, subject, []byte("[]")), result: presence.Malformed, err: "parse presence: json: "},
		"large": {
			message: message(pod, subject, make([]byte, 256<<10+1)), result: presence.Malformed, err: "presence of more than 262144 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var taken []placement.Presence
			var results []presence.Result
			var why error
			c := &conn{}
			l := presence.Listener{
				Verify: ring.Verify,
				Take:   func(p placement.Presence) error { taken = append(taken, p); return tc.taken },
				Count:  func(r presence.Result, err error) { results, why = append(results, r), err },
			}
			require.NoError(t, l.Subscribe(c))
			require.Equal(t, "battle.presence.*", c.subject)
			c.handler(tc.message)
			require.Equal(t, []presence.Result{tc.result}, results)
			if tc.result == presence.Taken || tc.result == presence.Late {
				require.NoError(t, why)
				require.Equal(t, []placement.Presence{want(t)}, taken)
				return
			}
			require.ErrorContains(t, why, tc.err)
			require.Empty(t, taken)
		})
	}
	l := presence.Listener{}
	require.EqualError(t, l.Subscribe(&conn{err: errors.New("closed")}), "subscribe to presences: closed")
}

func FuzzParse(f *testing.F) {
	f.Add(said(nil))
	f.Add(said(func(p *report.Presence) { p.Rooms = nil }))
	f.Add([]byte(`{"rooms":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := presence.Parse(data)
		if err != nil {
			return
		}
		// What is taken cannot break the board's own rules.
		b := placement.New(placement.Config{TicketLifetime: time.Second})
		if err := b.Presence(p); err != nil {
			t.Fatal(err)
		}
		if s := b.Stats(); s.Rooms != len(p.Rooms) || s.Rooms > s.RoomsLimit || s.Players > s.Rooms*p.MaxPlayers || s.Reserved != 0 {
			t.Fatalf("%+v of %s", s, data)
		}
	})
}
