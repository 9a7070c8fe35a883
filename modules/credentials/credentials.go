// Package credentials gives a city its secrets: they are minted once, and kept in Pulumi's encrypted state alone.
package credentials

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/internal/mint"
)

// CityType is the type token of [City].
const CityType = "edge-arena:credentials:City"

// CityArgs describe a city's credentials.
type CityArgs struct {
	// City is the city's name, as `region/city`. Required.
	City string
	// Generation is the number of their generation: with another one they are minted anew. Required.
	Generation int
	// Hosts are the names at which the city's clients reach NATS. Required.
	Hosts []string
}

func (a CityArgs) validate() error {
	var errs []error
	if strings.Count(a.City, "/") != 1 {
		errs = append(errs, errors.New("city: required, as region/city"))
	}
	if a.Generation < 1 {
		errs = append(errs, errors.New("generation: at least 1 is required"))
	}
	if len(a.Hosts) == 0 {
		errs = append(errs, errors.New("hosts: at least one is required"))
	}
	return errors.Join(errs...)
}

// City are the credentials of a city. All of them are secrets.
type City struct {
	pulumi.ResourceState

	// TicketKeys are the lobby's: it seals tickets with the first.
	TicketKeys pulumi.StringOutput
	// PodTicketKeys are the battle pods'.
	PodTicketKeys pulumi.StringOutput
	// Battle and Lobby are the clients of NATS.
	Battle, Lobby Client
	// CA is what clients of NATS trust, Certificate and Key are its own, all in PEM.
	CA, Certificate, Key pulumi.StringOutput
	// PseudonymKey is the key of players' pseudonyms.
	PseudonymKey pulumi.StringOutput
}

// Client is a client of NATS.
type Client struct {
	// User and Password are what it shows.
	User, Password pulumi.StringOutput
	// Hash is what NATS knows of the password.
	Hash pulumi.StringOutput
	// PreviousUser and PreviousHash are those of the generation before, which NATS lets in until the city has been rolled; empty for the first.
	PreviousUser, PreviousHash pulumi.StringOutput
}

// NewCity has the credentials of a city minted.
func NewCity(ctx *pulumi.Context, name string, args *CityArgs, opts ...pulumi.ResourceOption) (*City, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	c := &City{}
	if err := ctx.RegisterComponentResource(CityType, name, c, opts...); err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	spec, err := json.Marshal(mint.Spec{City: args.City, Generation: args.Generation, Hosts: args.Hosts})
	if err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	minted, err := local.NewCommand(ctx, name+"-mint", &local.CommandArgs{
		Create: pulumi.String(mint.CommandLine),
		Update: pulumi.String(mint.CommandLine),
		Stdin:  pulumi.String(spec),
		// What was minted before: a rotation keeps some of it.
		AddPreviousOutputInEnv: pulumi.Bool(true),
		Logging:                local.LoggingNone,
	}, pulumi.Parent(c), pulumi.AdditionalSecretOutputs([]string{"stdout"}))
	if err != nil {
		return nil, fmt.Errorf("credentials %s: %w", name, err)
	}
	c.read(minted.Stdout)
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{}); err != nil {
		return nil, fmt.Errorf("credentials %s: outputs: %w", name, err)
	}
	return c, nil
}

// read takes the credentials out of what was minted.
func (c *City) read(stdout pulumi.StringOutput) {
	field := func(of func(*mint.Credentials) string) pulumi.StringOutput {
		value := stdout.ApplyT(func(text string) (string, error) {
			if text == "" {
				// The engine leaves the city alone, and nothing has ever been minted for it.
				return "", nil
			}
			minted, err := mint.Parse(text)
			if err != nil {
				return "", err
			}
			return of(minted), nil
		}).(pulumi.StringOutput)
		return pulumi.ToSecret(value).(pulumi.StringOutput)
	}
	client := func(of func(*mint.Credentials) mint.Client) Client {
		return Client{
			User:         field(func(m *mint.Credentials) string { return of(m).User }),
			Password:     field(func(m *mint.Credentials) string { return of(m).Password }),
			Hash:         field(func(m *mint.Credentials) string { return of(m).Hash }),
			PreviousUser: field(func(m *mint.Credentials) string { return of(m).PreviousUser }),
			PreviousHash: field(func(m *mint.Credentials) string { return of(m).PreviousHash }),
		}
	}
	c.TicketKeys = field(func(m *mint.Credentials) string { return m.TicketKeys })
	c.PodTicketKeys = field(func(m *mint.Credentials) string { return m.PodTicketKeys })
	c.Battle = client(func(m *mint.Credentials) mint.Client { return m.Battle })
	c.Lobby = client(func(m *mint.Credentials) mint.Client { return m.Lobby })
	c.CA = field(func(m *mint.Credentials) string { return m.CA })
	c.Certificate = field(func(m *mint.Credentials) string { return m.Certificate })
	c.Key = field(func(m *mint.Credentials) string { return m.Key })
	c.PseudonymKey = field(func(m *mint.Credentials) string { return m.PseudonymKey })
}

// Fingerprint is a hash of secrets that is none itself, for a pod template: pods that have them in their environment are rolled when they change. What
// is hashed are random keys, of which a hash tells nothing.
func Fingerprint(secrets ...pulumi.StringOutput) pulumi.StringOutput {
	values := make([]any, len(secrets))
	for i, s := range secrets {
		values[i] = s
	}
	sum := pulumi.All(values...).ApplyT(func(known []any) string {
		h := sha256.New()
		for _, v := range known {
			_, _ = fmt.Fprintf(h, "%q\n", v)
		}
		return hex.EncodeToString(h.Sum(nil)[:8])
	}).(pulumi.StringOutput)
	return pulumi.Unsecret(sum).(pulumi.StringOutput)
}
