// Package config reads the battle server's configuration: a JSON file, and over it the environment.
//
// It is strict: an unknown key, a key given twice, a value out of range are errors, and all that are found are reported at once, each with its path.
// It has a small JSON reader of its own, for encoding/json would be a third of the whole module.
package config

import (
	"errors"
	"strconv"
)

// Config is the configuration.
type Config struct {
	// TickRate is the number of ticks a second. Default is 120; environment: TICK_RATE.
	TickRate int
	// MaxPlayers is the most players in a room. Default is 10; environment: MAX_PLAYERS.
	MaxPlayers int
	// Rooms is the most rooms at a time. Default is 16.
	Rooms int
	// BattleSeconds is the length of a battle. Default is 300.
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
}

// Arena is the size of an arena.
type Arena struct{ Width, Height int }

// Default is the configuration of an empty file and an empty environment.
func Default() Config {
	return Config{
		TickRate: 120, MaxPlayers: 10, Rooms: 16, BattleSeconds: 300, IdleSeconds: 5, JoinsPerSecond: 200,
		Arena: Arena{Width: 1000, Height: 600}, Port: 20000, NodeIP: "127.0.0.1",
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
		{"battleSeconds", "", &c.BattleSeconds, 1, 86400},
		{"idleSeconds", "", &c.IdleSeconds, 1, 3600},
		{"joinsPerSecond", "", &c.JoinsPerSecond, 1, 1000000},
		{"arena.width", "", &c.Arena.Width, 100, 4095},
		{"arena.height", "", &c.Arena.Height, 100, 4095},
		{"", "BATTLE_PORT", &c.Port, 1, 65535},
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
		value, err := strconv.Atoi(text)
		if err != nil {
			errs = append(errs, errors.New(s.env+": must be a whole number, not "+strconv.Quote(text)))
			continue
		}
		errs = append(errs, s.set(s.env, value, false))
	}
	errs = append(errs, text("NODE_IP", &c.NodeIP, getenv), text("POD_NAME", &c.Pod, getenv))
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
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '.' && r != '-' && r != ':' && r != '_' {
			return errors.New(env + ": must be letters, digits and . - : _, not " + strconv.Quote(s))
		}
	}
	*value = s
	return nil
}
