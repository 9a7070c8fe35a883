package config

import (
	"fmt"
	"regexp"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// place takes what is wrong at a path: the list of problems itself, or a layer of the settings.
type place interface {
	add(path, format string, args ...any)
}

// scope is a layer of the settings. What is wrong there is reported where the file says it: here, or in the layer that it was taken from.
// Layers that take the same from another report the same, which [problems.join] then tells once.
type scope struct {
	found  *problems
	at     string
	own    map[string]any
	parent *scope
}

func (s scope) add(path, format string, args ...any) {
	s.addFor(path, []string{path}, format, args...)
}

// here reports at the path in this layer, whoever says it.
func (s scope) here(path, format string, args ...any) {
	s.found.add(s.at+"."+path, format, args...)
}

// addFor is add for what is wrong between several settings: it reports in the innermost layer that has one of the keys.
func (s scope) addFor(path string, keys []string, format string, args ...any) {
	for layer := &s; layer != nil; layer = layer.parent {
		mine := layer.parent == nil
		for _, key := range keys {
			mine = mine || has(layer.own, key)
		}
		if mine {
			if layer.at != "" {
				path = layer.at + "." + path
			}
			s.found.add(path, format, args...)
			return
		}
	}
}

func label(at place, path, value string) {
	if value == "" {
		at.add(path, "required")
	} else if !dnsLabel.MatchString(value) {
		at.add(path, "%q is not a DNS label: at most 63 of a-z, 0-9 and -, and no - at either end", value)
	}
}

func unique(at place, seen map[string]string, path, value string) {
	if value == "" {
		return
	}
	if before, ok := seen[value]; ok {
		at.add(path, "%q is already %s", value, before)
		return
	}
	seen[value] = path
}

func positive(at place, path string, d time.Duration) {
	if d <= 0 {
		at.add(path, "%v is not longer than nothing", d)
	}
}

func within(at place, path string, d, low, high time.Duration) {
	if d < low || d > high {
		at.add(path, "%v is not from %v to %v", d, low, high)
	}
}

func atLeastOne(at place, path string, n int) {
	if n < 1 {
		at.add(path, "%d is less than 1", n)
	}
}

func between(at place, path string, n, low, high int) {
	if n < low || n > high {
		at.add(path, "%d is not from %d to %d", n, low, high)
	}
}

// quantity parses an amount that must be more than nothing. What is none is reported, and nil.
func quantity(at place, path, value, example string) *resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		at.add(path, "%q is not a quantity such as %s", value, example)
		return nil
	}
	return &q
}

func (q Quantities) validate(at scope, path string) {
	quantity(at, path+".cpu", q.CPU, "200m or 1")
	quantity(at, path+".memory", q.Memory, "256Mi")
}

func (s Size) validate(at scope) {
	quantity(at, "size.cpu", s.CPU, "4 or 1500m")
	quantity(at, "size.memory", s.Memory, "8Gi")
}

func (r Resources) validate(at scope) {
	for _, kind := range []struct{ name, request, limit, example string }{
		{"cpu", r.Requests.CPU, r.Limits.CPU, "200m or 1"}, {"memory", r.Requests.Memory, r.Limits.Memory, "256Mi"},
	} {
		request, limit := "battle.resources.requests."+kind.name, "battle.resources.limits."+kind.name
		least, most := quantity(at, request, kind.request, kind.example), quantity(at, limit, kind.limit, kind.example)
		if least != nil && most != nil && least.Cmp(*most) > 0 {
			at.addFor(request, []string{request, limit}, "%s is more than its limit, %s", kind.request, kind.limit)
		}
	}
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func (p Prices) validate(at scope) {
	if !currency.MatchString(p.Currency) {
		at.add("prices.currency", "%q is not a code of three capital letters such as USD", p.Currency)
	}
	if p.NodeMonth < 0 {
		at.add("prices.nodeMonth", "%g is less than nothing", p.NodeMonth)
	}
}

func (p Policies) validate(at scope) {
	switch p.Enforcement {
	case EnforceDeny, EnforceWarn, EnforceDryRun:
	default:
		at.add("policies.enforcement", "%q is neither deny, warn nor dryrun", p.Enforcement)
	}
	between(at, "policies.maxPlayers", p.MaxPlayers, 1, 10)
	between(at, "policies.minTickRate", p.MinTickRate, 1, 1000)
	p.MaxLimits.validate(at, "policies.maxLimits")
	p.Gatekeeper.validate(at, "policies.gatekeeper")
	for i, prefix := range p.Registries {
		if prefix == "" {
			at.add(fmt.Sprintf("policies.registries[%d]", i), "is empty, so it would allow every image: leave the list out for that")
		}
	}
}
