package config

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// env is an environment of these variables, and of ticket keys, which are required.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		if name == "TICKET_KEYS" {
			return "1:" + strings.Repeat("ab", 32), true
		}
		return "", false
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	const file = ` { "tickRate": 60, "maxPlayers":4,"rooms":3, "battleSeconds":10, "idleSeconds":2, "joinsPerSecond":9,
		"arena": {"width": 400, "height": 300} } `
	got, err := Load([]byte(file), env("TICK_RATE", "120", "BATTLE_PORT", "7001", "NODE_IP", "10.0.0.7", "POD_NAME", "real-time-battle-7d9-x2x",
		"BATTLE_SECONDS", "20", "DRAIN_SECONDS", "21", "NATS_ADDRESS", "10.43.0.7:4222", "NATS_USER", "battle", "NATS_PASSWORD", "p-_1"))
	require.NoError(t, err)
	require.Equal(t, Config{
		TickRate: 120, MaxPlayers: 4, Rooms: 3, BattleSeconds: 20, IdleSeconds: 2, JoinsPerSecond: 9, Arena: Arena{400, 300},
		Port: 7001, NodeIP: "10.0.0.7", Pod: "real-time-battle-7d9-x2x", Tickets: got.Tickets, DrainSeconds: 21,
		NATS: transport.Addr{IP: [4]byte{10, 43, 0, 7}, Port: 4222}, NATSUser: "battle", NATSPassword: "p-_1",
	}, got)
	require.NotNil(t, got.Tickets)

	got, err = Load([]byte("{}"), env())
	require.NoError(t, err)
	want := Default()
	want.Tickets = got.Tickets
	require.Equal(t, want, got)
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file string
		env  []string
		want string
	}{
		"an empty file":            {file: "", want: "line 1: expected {"},
		"an unknown key":           {file: `{"tickrate": 1}`, want: "tickrate: unknown key"},
		"an unknown nested key":    {file: `{"arena": {"depth": 1}}`, want: "arena.depth: unknown key"},
		"a key given twice":        {file: `{"rooms": 1, "rooms": 2}`, want: "rooms: given twice"},
		"a number out of range":    {file: `{"tickRate": 0}`, want: "tickRate: must be 1 to 1000, not 0"},
		"a fraction":               {file: `{"tickRate": 1.5}`, want: "line 1: expected , or }"},
		"a string for a number":    {file: `{"tickRate": "1"}`, want: "tickRate: line 1: expected a whole number"},
		"a number for an object":   {file: `{"arena": 1}`, want: "arena: unknown key"},
		"a leading zero":           {file: `{"rooms": 01}`, want: "rooms: line 1: expected a whole number"},
		"something behind the end": {file: "{}\n{}", want: "line 2: expected nothing more"},
		"a comma too many":         {file: `{"rooms": 1,}`, want: "line 1: expected a key in quotes"},
		"an open key":              {file: `{"rooms`, want: `line 1: expected "`},
		"nesting without end":      {file: `{"a":{"a":{"a":{"a":{"a":1}}}}}`, want: "a.a.a.a: nested too deep"},
		"a word in MAX_PLAYERS":    {file: "{}", env: []string{"MAX_PLAYERS", "ten"}, want: `MAX_PLAYERS: must be a whole number, not "ten"`},
		"too many players":         {file: "{}", env: []string{"MAX_PLAYERS", "11"}, want: "MAX_PLAYERS: must be 1 to 10, not 11"},
		"an empty TICK_RATE":       {file: "{}", env: []string{"TICK_RATE", ""}, want: `TICK_RATE: must be a whole number, not ""`},
		"port 0":                   {file: "{}", env: []string{"BATTLE_PORT", "0"}, want: "BATTLE_PORT: must be 1 to 65535, not 0"},
		"a quote in POD_NAME":      {file: "{}", env: []string{"POD_NAME", `a"b`}, want: `POD_NAME: must be letters, digits and . - : _, not "a\"b"`},
		"no ticket keys":           {file: "{}", env: []string{"TICKET_KEYS", ""}, want: "TICKET_KEYS: no ticket key is given"},
		"a short ticket key":       {file: "{}", env: []string{"TICKET_KEYS", "1:abcd"}, want: "TICKET_KEYS: ticket key 1 must have 64 hexadecimal digits"},
		"a name for NATS":          {file: "{}", env: []string{"NATS_ADDRESS", "nats:4222"}, want: `NATS_ADDRESS: must be an IPv4 address and a port, such as 10.43.0.7:4222, not "nats:4222"`},
		"NATS without a port":      {file: "{}", env: []string{"NATS_ADDRESS", "10.0.0.1"}, want: `NATS_ADDRESS: must be an IPv4 address and a port, such as 10.43.0.7:4222, not "10.0.0.1"`},
		"NATS beyond 255":          {file: "{}", env: []string{"NATS_ADDRESS", "10.0.0.256:1"}, want: `NATS_ADDRESS: must be an IPv4 address and a port, such as 10.43.0.7:4222, not "10.0.0.256:1"`},
		"a quote in the password":  {file: "{}", env: []string{"NATS_PASSWORD", `a"b`}, want: "NATS_PASSWORD: must be letters, digits and . - : _"},
		"all errors at once": {
			file: `{"rooms": 0, "x": 1}`, env: []string{"TICK_RATE", "x"},
			want: "rooms: must be 1 to 1000, not 0\nx: unknown key\nTICK_RATE: must be a whole number, not \"x\"",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load([]byte(tt.file), env(tt.env...))
			require.EqualError(t, err, tt.want)
		})
	}
}

// FuzzParse holds the reader to this: what it accepts, encoding/json accepts too, with the same numbers.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"tickRate": 60, "arena": {"width": -4, "height": 300}}`))
	f.Add([]byte(`{"a": 0, "b": {}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, calls := map[string]int{}, 0
		if parse(b, func(path string, value int) { got[path], calls = value, calls+1 }) != nil {
			return
		}
		var tree map[string]any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		require.NoError(t, d.Decode(&tree))
		require.True(t, json.Valid(b))
		want := map[string]int{}
		flatten("", tree, want)
		// Where a key is repeated, encoding/json keeps the last alone: then there is nothing to compare.
		if calls == len(got) && len(got) == len(want) {
			require.Equal(t, want, got)
		}
	})
}

func flatten(path string, tree map[string]any, into map[string]int) {
	for key, value := range tree {
		if path != "" {
			key = path + "." + key
		}
		switch v := value.(type) {
		case map[string]any:
			flatten(key, v, into)
		case json.Number:
			n, err := strconv.Atoi(v.String())
			if err != nil {
				panic(err)
			}
			into[key] = n
		}
	}
}
