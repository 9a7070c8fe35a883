package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"
)

// Cities returns the region's cities by name, as far as each has been brought up. They are read from the cities' own state, not from the
// stack's outputs: a run that is about some of the cities leaves the outputs of the others out.
func (s Stack) Cities(ctx context.Context) (map[string]City, error) {
	cities := map[string]City{}
	return cities, s.cityOutputs(ctx, map[string]handler{"summary": into(cities)})
}

// Kubeconfigs returns the admin's kubeconfig of each city: secrets.
func (s Stack) Kubeconfigs(ctx context.Context) (map[string]string, error) {
	kubeconfigs := map[string]string{}
	return kubeconfigs, s.cityOutputs(ctx, map[string]handler{"kubeconfig": into(kubeconfigs)})
}

// CitiesAndKubeconfigs returns both, from one look at the state.
func (s Stack) CitiesAndKubeconfigs(ctx context.Context) (cities map[string]City, kubeconfigs map[string]string, err error) {
	cities, kubeconfigs = map[string]City{}, map[string]string{}
	return cities, kubeconfigs, s.cityOutputs(ctx, map[string]handler{"summary": into(cities), "kubeconfig": into(kubeconfigs)})
}

// handler takes an output of a city.
type handler func(city string, value json.RawMessage) error

// into puts each city's value into a map.
func into[T any](m map[string]T) handler {
	return func(city string, value json.RawMessage) error {
		var v T
		err := json.Unmarshal(value, &v)
		m[city] = v
		return err
	}
}

// cityOutputs hands on those outputs of each city that it has.
func (s Stack) cityOutputs(ctx context.Context, handlers map[string]handler) error {
	type resource struct {
		Resource
		Outputs map[string]json.RawMessage `json:"outputs"`
	}
	resources, err := exported[resource](ctx, s, "--show-secrets")
	if err != nil {
		return fmt.Errorf("read the cities of stack %s: %w", s.Name, err)
	}
	for _, r := range resources {
		if r.Type != cityType {
			continue
		}
		for output, handle := range handlers {
			value, ok := r.Outputs[output]
			if !ok {
				continue
			}
			value, err := revealed(value)
			if err == nil {
				err = handle(r.Name(), value)
			}
			if err != nil {
				return fmt.Errorf("read the cities of stack %s: %s of %s: %w", s.Name, output, r.Name(), err)
			}
		}
	}
	return nil
}

// revealed is the value itself of what may be a secret that was exported with its plaintext.
func revealed(value json.RawMessage) (json.RawMessage, error) {
	var secret struct {
		Mark      string  `json:"4dabf18193072939515e22adb298388d"` // sig.Key
		Plaintext *string `json:"plaintext"`
	}
	// What is no object, or one of another shape, is no secret.
	if err := json.Unmarshal(value, &secret); err != nil || secret.Mark != sig.Secret {
		return value, nil //nolint:nilerr // It is the value itself.
	}
	if secret.Plaintext == nil {
		return nil, errors.New("a secret without its plaintext")
	}
	return json.RawMessage(*secret.Plaintext), nil
}
