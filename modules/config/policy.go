package config

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Violation is a policy that a city's settings break.
type Violation struct {
	// City is the city's name.
	City string
	// Enforcement is the policy's; what is denied never gets this far.
	Enforcement Enforcement
	// Text names the setting, the policy and the mend.
	Text string

	keys []string
}

// Violations are the policies that the city's settings break.
func (c *City) Violations() []Violation {
	var list []Violation
	violated := func(key, policy, format string, args ...any) {
		text := fmt.Sprintf(format, args...) + ": change it, or " + policy
		list = append(list, Violation{c.Name, c.Policies.Enforcement, key + ": " + text, []string{key, policy}})
	}
	b, p := &c.Battle, &c.Policies
	if b.MaxPlayers > p.MaxPlayers {
		violated("battle.maxPlayers", "policies.maxPlayers", "%d is more than %d", b.MaxPlayers, p.MaxPlayers)
	}
	if b.TickRate < p.MinTickRate {
		violated("battle.tickRate", "policies.minTickRate", "%d is less than %d", b.TickRate, p.MinTickRate)
	}
	if more(b.Resources.Limits.CPU, p.MaxLimits.CPU) {
		violated("battle.resources.limits.cpu", "policies.maxLimits.cpu", "%s is more than %s", b.Resources.Limits.CPU, p.MaxLimits.CPU)
	}
	if more(b.Resources.Limits.Memory, p.MaxLimits.Memory) {
		violated("battle.resources.limits.memory", "policies.maxLimits.memory", "%s is more than %s", b.Resources.Limits.Memory, p.MaxLimits.Memory)
	}
	for _, from := range []struct{ key, image string }{{"battle.image", b.Image}, {"battle.portAllocator.image", b.PortAllocator.Image}, {"lobby.image", c.Lobby.Image}} {
		if from.image != "" && len(p.Registries) > 0 && !hasPrefix(from.image, p.Registries) {
			violated(from.key, "policies.registries", "%s is from none of %s", from.image, strings.Join(p.Registries, ", "))
		}
	}
	return list
}

// enforce refuses what is denied.
func (c *City) enforce(at scope) {
	if c.Policies.Enforcement != EnforceDeny {
		return
	}
	for _, v := range c.Violations() {
		key, text, _ := strings.Cut(v.Text, ": ")
		at.addFor(key, v.keys, "%s", text)
	}
}

// more compares two quantities. What is none is reported elsewhere.
func more(a, b string) bool {
	x, errX := resource.ParseQuantity(a)
	y, errY := resource.ParseQuantity(b)
	return errX == nil && errY == nil && x.Cmp(y) > 0
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
