// Package redact keeps what is secret out of logs and errors.
//
// A resource's code sees plain Go values and cannot tell which of them are secret. The engine can: this package reads its marks off
// every request and hands the resource, through its context, a Redactor that knows them.
package redact

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Mask stands where a secret was.
const Mask = "[secret]"

const (
	// minValue is the length below which a value is left alone: masking every "on" or "1" would hide more than secrets.
	minValue = 4
	// minLine is the same for one line out of many: those of a secret script are often words like "done".
	minLine = 8
)

// Redactor masks the secrets that it knows. The nil Redactor knows none.
type Redactor struct{ replacer *strings.Replacer }

// New returns a Redactor for the given secrets and, as output comes by lines, for each of their lines.
func New(secrets ...string) *Redactor {
	var known []string
	for _, secret := range secrets {
		if len(secret) >= minValue {
			known = append(known, secret)
		}
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= minLine {
				known = append(known, line)
			}
		}
	}
	// A Replacer prefers the pair given first: the longer one, or a secret within a secret would leave its rest behind.
	slices.SortFunc(known, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(known))
	for _, k := range slices.Compact(known) {
		pairs = append(pairs, k, Mask)
	}
	return &Redactor{strings.NewReplacer(pairs...)}
}

// Clean returns s with every known secret masked.
func (r *Redactor) Clean(s string) string {
	if r == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// cleanError returns err itself if it holds no secret, else its text with the secrets masked.
func (r *Redactor) cleanError(err error) error {
	if err == nil {
		return nil
	}
	if text := r.Clean(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

type contextKey struct{}

// From returns the Redactor of the request that ctx belongs to.
func From(ctx context.Context) *Redactor {
	r, _ := ctx.Value(contextKey{}).(*Redactor)
	return r
}

// Wrap gives every operation of provider that may run something a Redactor, and cleans the errors that come back.
func Wrap(provider p.Provider) p.Provider {
	wrapped := provider
	wrapped.Create = func(ctx context.Context, req p.CreateRequest) (p.CreateResponse, error) {
		ctx, r := with(ctx, req.Properties)
		resp, err := provider.Create(ctx, req)
		return resp, r.cleanError(err)
	}
	wrapped.Update = func(ctx context.Context, req p.UpdateRequest) (p.UpdateResponse, error) {
		ctx, r := with(ctx, req.State, req.Inputs)
		resp, err := provider.Update(ctx, req)
		return resp, r.cleanError(err)
	}
	wrapped.Delete = func(ctx context.Context, req p.DeleteRequest) error {
		ctx, r := with(ctx, req.Properties)
		return r.cleanError(provider.Delete(ctx, req))
	}
	return wrapped
}

func with(ctx context.Context, maps ...property.Map) (context.Context, *Redactor) {
	var secrets []string
	for _, m := range maps {
		secrets = append(secrets, secretsOf(m)...)
	}
	r := New(secrets...)
	return context.WithValue(ctx, contextKey{}, r), r
}

// secretsOf lists the secret strings of a resource's properties.
func secretsOf(m property.Map) []string {
	var secrets []string
	for key, value := range m.AllStable {
		switch key {
		case "stdout", "stderr":
			// Outputs are secret because the connection is. What a command printed the last time it may well print again.
		case "connection":
			secrets = append(secrets, credentials(value)...)
		default:
			secrets = append(secrets, collect(value, false)...)
		}
	}
	return secrets
}

// credentials lists what is secret of a connection. As a whole it is marked secret, its host and user included, but those are
// what a failed dial has to name.
func credentials(connection property.Value) []string {
	if !connection.IsMap() {
		return nil
	}
	fields := connection.AsMap()
	secrets := credentials(fields.Get("proxy"))
	for _, key := range []string{"password", "privateKey", "privateKeyPassword"} {
		secrets = append(secrets, collect(fields.Get(key), true)...)
	}
	return secrets
}

// collect lists the strings in v that are secret themselves or within something secret.
func collect(v property.Value, within bool) []string {
	within = within || v.Secret()
	var secrets []string
	switch {
	case v.IsString() && within:
		secrets = append(secrets, v.AsString())
	case v.IsArray():
		for _, e := range v.AsArray().All {
			secrets = append(secrets, collect(e, within)...)
		}
	case v.IsMap():
		for _, e := range v.AsMap().AllStable {
			secrets = append(secrets, collect(e, within)...)
		}
	}
	return secrets
}
