// Package config reads the battle server's configuration: a JSON file, and over it the environment.
//
// It is strict: an unknown key, a key given twice, a value out of range are errors, and all that are found are reported at once, each with its path.
// It has a small JSON reader of its own, for encoding/json would be a third of the whole module.
package config

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/edge-arena/edge-arena/battle-wasm/ascii"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
)

// Config is the configuration.
type Config struct {
	// TickRate is the number of ticks a second. Default is 120; environment: TICK_RATE.
	TickRate int
	// MaxPlayers is the most players in a room. Default is 10; environment: MAX_PLAYERS.
	MaxPlayers int
	// Rooms is the most rooms at a time. Default is 48: one core at 67 % bore 83, see docs/benchmarks.md.
	Rooms int
	// BattleSeconds is the length of a battle. Default is 300; environment: BATTLE_SECONDS.
	BattleSeconds int
	// IdleSeconds is how long a player may be silent before its place is given up. Default is 5.
	IdleSeconds int
	// JoinsPerSecond is how many packets without a session are answered per source address. Default is 200, so that many players can share one address.
	JoinsPerSecond int
	// Arena is the arena's size in units. Default is 1000 x 600; the wire format ends at 4095.
	Arena Arena

	// Port is the UDP and TCP port. Default is 20000; environment: BATTLE_PORT.
	Port int
	// NodeIP is the address that players reach the server at. Default is 127.0.0.1; environment: NODE_IP.
	NodeIP string
	// Pod is the name of the pod. Default is none; environment: POD_NAME.
	Pod string
	// City is the name of the city, for the log. Default is none; environment: CITY.
	City string

	// Tickets are the keys of players' tickets, see [ticket.ParseKeys]; environment: TICKET_KEYS. Required: nobody plays without a ticket.
	Tickets *ticket.Keys
	// DrainSeconds is how long battles may go on when the pod is asked to stop. Default is 300; environment: DRAIN_SECONDS.
	DrainSeconds int
	// NATS is the server that results and presence are published to; environment: NATS_ADDRESS, `IPv4:port`. Default is none: nothing is published.
	NATS transport.Addr
	// NATSUser and NATSPassword let the pod publish; environment: NATS_USER, NATS_PASSWORD. Default is none.
	NATSUser, NATSPassword string
}

// Arena is the size of an arena.
type Arena struct{ Width, Height int }

// Default is the configuration of an empty file and an empty environment.
func Default() Config {
	return Config{
		TickRate: 120, MaxPlayers: 10, Rooms: 48, BattleSeconds: 300, IdleSeconds: 5, JoinsPerSecond: 200,
		DrainSeconds: 300,
		Arena:        Arena{Width: 1000, Height: 600}, Port: 20000, NodeIP: "127.0.0.1",
	}
}

// setting is one number of the configuration.
type setting struct {
	path     string // in the file; "" for one that is not there
	env      string // in the environment; "" likewise
	value    *int
	min, max int
}

func (c *Config) settings() []setting {
	return []setting{
		{"tickRate", "TICK_RATE", &c.TickRate, 1, 1000},
		{"maxPlayers", "MAX_PLAYERS", &c.MaxPlayers, 1, 10},
		{"rooms", "", &c.Rooms, 1, 1000},
		{"battleSeconds", "BATTLE_SECONDS", &c.BattleSeconds, 1, 86400},
		{"idleSeconds", "", &c.IdleSeconds, 1, 3600},
		{"joinsPerSecond", "", &c.JoinsPerSecond, 1, 1000000},
		{"arena.width", "", &c.Arena.Width, 100, 4095},
		{"arena.height", "", &c.Arena.Height, 100, 4095},
		{"", "BATTLE_PORT", &c.Port, 1, 65535},
		{"", "DRAIN_SECONDS", &c.DrainSeconds, 1, 86400},
	}
}

// Load reads the configuration from the file's content and the environment.
func Load(file []byte, getenv func(string) (string, bool)) (Config, error) {
	c := Default()
	settings := c.settings()
	var errs []error
	seen := make([]bool, len(settings))
	err := parse(file, func(path string, value int) {
		for i, s := range settings {
			if s.path == path {
				errs = append(errs, s.set(path, value, seen[i]))
				seen[i] = true
				return
			}
		}
		errs = append(errs, errors.New(path+": unknown key"))
	})
	if err != nil {
		errs = append(errs, err)
	}
	for _, s := range settings {
		if s.env == "" {
			continue
		}
		text, ok := getenv(s.env)
		if !ok {
			continue
		}
		value, ok := ascii.Int(text)
		if !ok {
			errs = append(errs, errors.New(s.env+": must be a whole number, not "+ascii.Quote(text)))
			continue
		}
		errs = append(errs, s.set(s.env, value, false))
	}
	errs = append(errs, text("NODE_IP", &c.NodeIP, getenv), text("POD_NAME", &c.Pod, getenv), text("CITY", &c.City, getenv), c.tickets(getenv), c.nats(getenv),
		secret("NATS_USER", &c.NATSUser, getenv), secret("NATS_PASSWORD", &c.NATSPassword, getenv))
	return c, errors.Join(errs...)
}

func (s setting) set(path string, value int, twice bool) error {
	if twice {
		return errors.New(path + ": given twice")
	}
	if value < s.min || value > s.max {
		return errors.New(path + ": must be " + strconv.Itoa(s.min) + " to " + strconv.Itoa(s.max) + ", not " + strconv.Itoa(value))
	}
	*s.value = value
	return nil
}

// text reads a name or an address. It goes into JSON, metrics and logs as it is, so nothing that would need quoting is let in.
func text(env string, value *string, getenv func(string) (string, bool)) error {
	s, ok := getenv(env)
	if !ok || s == "" {
		return nil
	}
	if !plain(s) {
		return errors.New(env + ": must be letters, digits and . - : _, not " + ascii.Quote(s))
	}
	*value = s
	return nil
}

// secret is a text that errors do not quote.
func secret(env string, value *string, getenv func(string) (string, bool)) error {
	s, _ := getenv(env)
	if !plain(s) {
		return errors.New(env + ": must be letters, digits and . - : _")
	}
	*value = s
	return nil
}

func plain(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '.' && r != '-' && r != ':' && r != '_' {
			return false
		}
	}
	return true
}

func (c *Config) tickets(getenv func(string) (string, bool)) (err error) {
	text, _ := getenv("TICKET_KEYS")
	if c.Tickets, err = ticket.ParseKeys(text); err != nil {
		return errors.New("TICKET_KEYS: " + err.Error())
	}
	return nil
}

// nats reads an address as `10.43.0.7:4222`: there is nobody here who could look up a name.
func (c *Config) nats(getenv func(string) (string, bool)) error {
	s, _ := getenv("NATS_ADDRESS")
	if s == "" {
		return nil
	}
	wrong := errors.New("NATS_ADDRESS: must be an IPv4 address and a port, such as 10.43.0.7:4222, not " + ascii.Quote(s))
	host, port, _ := strings.Cut(s, ":")
	n, ok := ascii.Uint(port, math.MaxUint16)
	if !ok || n == 0 {
		return wrong
	}
	c.NATS.Port = uint16(n)
	parts := strings.Split(host, ".")
	if len(parts) != len(c.NATS.IP) {
		return wrong
	}
	for i, part := range parts {
		n, ok := ascii.Uint(part, math.MaxUint8)
		if !ok {
			return wrong
		}
		c.NATS.IP[i] = byte(n)
	}
	return nil
}
