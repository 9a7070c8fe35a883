// Package mint makes the secrets of a city: keys of tickets, passwords and a certificate for NATS, and the key of players' pseudonyms. It is what
// the Pulumi program runs, as a command of its own (see [CommandLine]), for modules/credentials: what is made once must not be made anew by
// each preview, and Pulumi's state, where it is encrypted, is the only place that keeps it.
//
// A rotation makes all of it anew but for the CA and the key of pseudonyms, and is one that nobody notices: whoever still has what is of the
// generation before is understood until the whole city has been rolled.
package mint

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// Argument is what the Pulumi program is started with to mint.
const Argument = "mint"

// CommandLine mints, from the program's folder, infra/: the path is relative, so that it is the same on each operator's machine.
const CommandLine = "../.arena/pulumi/program " + Argument

// PreviousEnv is the environment variable in which Pulumi's command passes on what was minted before.
const PreviousEnv = "PULUMI_COMMAND_STDOUT"

// Spec is what is wanted. It holds no secret.
type Spec struct {
	// City is the city's name, as `region/city`.
	City string `json:"city"`
	// Generation is the number of the secrets' generation, 1 to 255: with another one they are made anew.
	Generation int `json:"generation"`
	// Hosts are the names at which the city's clients reach NATS.
	Hosts []string `json:"hosts"`
}

// Credentials are the secrets of a city, all of it secret.
type Credentials struct {
	// Generation is that of the spec.
	Generation int `json:"generation"`
	// TicketKeys are the lobby's, as [ticket.ParseKeys] reads them: it seals with the newest, and takes those of two generations before.
	TicketKeys string `json:"ticketKeys"`
	// PodTicketKeys are the battle pods': they sign with the one of the generation before, which every lobby knows that they may meet
	// while the city is rolled, and open tickets of this generation too.
	PodTicketKeys string `json:"podTicketKeys"`
	// Battle and Lobby are the clients of NATS.
	Battle Client `json:"battle"`
	Lobby  Client `json:"lobby"`
	// CA is the certificate that clients of NATS trust, in PEM, and CAKey its key.
	CA    string `json:"ca"`
	CAKey string `json:"caKey"`
	// Certificate is NATS's own, and Key its key, in PEM.
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	// PseudonymKey is the key of players' pseudonyms, 64 hexadecimal digits. It outlives every rotation: with another one nobody would be
	// the player of before.
	PseudonymKey string `json:"pseudonymKey"`
}

// Client is a client of NATS.
type Client struct {
	// User names the client and, from the second on, the generation, so that two of them can be let in.
	User string `json:"user"`
	// Password is its password, Hash what NATS knows of it.
	Password string `json:"password"`
	Hash     string `json:"hash"`
	// PreviousUser and PreviousHash are those of the generation before, who is let in until the next; empty in the first.
	PreviousUser string `json:"previousUser,omitempty"`
	PreviousHash string `json:"previousHash,omitempty"`
}

// maxGeneration is the highest number that a ticket key can have.
const maxGeneration = 255

func (s Spec) validate() error {
	var errs []error
	if strings.Count(s.City, "/") != 1 {
		errs = append(errs, fmt.Errorf("city: %q is not of the form region/city", s.City))
	}
	if s.Generation < 1 || s.Generation > maxGeneration {
		errs = append(errs, fmt.Errorf("generation: %d is not from 1 to %d", s.Generation, maxGeneration))
	}
	if len(s.Hosts) == 0 {
		errs = append(errs, errors.New("hosts: at least one is required"))
	}
	return errors.Join(errs...)
}

// readSpec decodes a spec strictly.
func readSpec(r io.Reader) (Spec, error) {
	var s Spec
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, fmt.Errorf("read the spec: %w", err)
	}
	if err := s.validate(); err != nil {
		return s, fmt.Errorf("the spec is wrong:\n%w", err)
	}
	return s, nil
}

// Parse reads what was minted. An error does not quote it.
func Parse(text string) (*Credentials, error) {
	var c Credentials
	if json.Unmarshal([]byte(text), &c) != nil {
		return nil, errors.New("the city's credentials in Pulumi's state cannot be read")
	}
	var errs []error
	for _, keys := range []struct{ name, text string }{{"ticketKeys", c.TicketKeys}, {"podTicketKeys", c.PodTicketKeys}} {
		if _, err := ticket.ParseKeys(keys.text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", keys.name, err))
		}
	}
	for _, field := range []struct{ name, value string }{
		{"battle.user", c.Battle.User}, {"battle.password", c.Battle.Password}, {"battle.hash", c.Battle.Hash},
		{"lobby.user", c.Lobby.User}, {"lobby.password", c.Lobby.Password}, {"lobby.hash", c.Lobby.Hash},
		{"ca", c.CA}, {"caKey", c.CAKey}, {"certificate", c.Certificate}, {"key", c.Key}, {"pseudonymKey", c.PseudonymKey},
	} {
		if field.value == "" {
			errs = append(errs, errors.New(field.name+" is missing"))
		}
	}
	if c.Generation < 1 || c.Generation > maxGeneration {
		errs = append(errs, errors.New("generation is missing"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("the city's credentials in Pulumi's state are not whole:\n%w", err)
	}
	return &c, nil
}

// Mint makes the credentials of a spec. previous are those of before; nil for a new city. Those of the same generation stay as they are, but for a
// certificate that does not name the hosts.
func Mint(s Spec, previous *Credentials, now time.Time) (*Credentials, error) {
	c := &Credentials{Generation: s.Generation}
	var err error
	switch {
	case previous == nil:
		if c.CA, c.CAKey, err = newCA(s.City, now); err != nil {
			return nil, err
		}
		c.PseudonymKey = secret()
	case previous.Generation == s.Generation:
		if covers(previous.Certificate, s.Hosts) {
			return previous, nil
		}
		kept := *previous
		kept.Certificate, kept.Key, err = newCertificate(kept.CA, kept.CAKey, s.Hosts, now)
		return &kept, err
	default:
		c.CA, c.CAKey, c.PseudonymKey = previous.CA, previous.CAKey, previous.PseudonymKey
	}
	c.rollTicketKeys(previous)
	if c.Certificate, c.Key, err = newCertificate(c.CA, c.CAKey, s.Hosts, now); err != nil {
		return nil, err
	}
	old := cmp.Or(previous, &Credentials{})
	if c.Battle, err = newClient("battle", s.Generation, old.Battle); err != nil {
		return nil, err
	}
	c.Lobby, err = newClient("lobby", s.Generation, old.Lobby)
	return c, err
}

// rollTicketKeys puts a new key before those of two generations. The pods are rolled first, before the lobby: those that are new must be
// understood by the lobby that is old, and understand the one that is new.
func (c *Credentials) rollTicketKeys(previous *Credentials) {
	fresh := strconv.Itoa(c.Generation) + ":" + secret()
	keys := []string{fresh}
	if previous != nil {
		for key := range strings.SplitSeq(previous.TicketKeys, ",") {
			// A generation of this number that has been before is forgotten.
			if len(keys) < 3 && !strings.HasPrefix(key, strconv.Itoa(c.Generation)+":") {
				keys = append(keys, key)
			}
		}
	}
	c.TicketKeys, c.PodTicketKeys = strings.Join(keys, ","), fresh
	if len(keys) > 1 {
		c.PodTicketKeys = keys[1] + "," + fresh
	}
}

func newClient(name string, generation int, old Client) (Client, error) {
	c := Client{User: name, Password: password(), PreviousUser: old.User, PreviousHash: old.Hash}
	if generation > 1 {
		c.User += "-" + strconv.Itoa(generation)
	}
	// No more rounds than there must be: nobody guesses 256 random bits, and each pod that connects would cost the node a tenth of a second
	// of a core.
	hash, err := bcrypt.GenerateFromPassword([]byte(c.Password), bcrypt.MinCost)
	if err != nil {
		return Client{}, fmt.Errorf("hash the password of %s: %w", name, err)
	}
	c.Hash = string(hash)
	return c, nil
}

// secret is 256 random bits in hexadecimal.
func secret() string { return hex.EncodeToString(random()) }

// password is as many, shorter.
func password() string { return base64.RawURLEncoding.EncodeToString(random()) }

func random() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it does not fail
	return b
}
