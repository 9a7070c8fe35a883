package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0a", 32)
	tests := map[string]struct {
		edit func(r object)
		want []string // problems where it is denied
	}{
		"more players": {
			func(r object) { set(r, "policies.maxPlayers", 4); set(r, "slo.botsPerPod", 4) },
			[]string{"battle.maxPlayers: 10 is more than 4: change it, or policies.maxPlayers"}},
		"fewer ticks": {
			func(r object) { set(r, "battle.tickRate", 60); set(r, "slo.tickRate", 59) },
			[]string{"battle.tickRate: 60 is less than 120: change it, or policies.minTickRate"}},
		"more of a core": {
			func(r object) { set(r, "battle.resources.limits.cpu", "1100m") },
			[]string{"battle.resources.limits.cpu: 1100m is more than 1: change it, or policies.maxLimits.cpu"}},
		"more memory": {
			func(r object) { set(r, "battle.resources.limits.memory", "1Gi") },
			[]string{"battle.resources.limits.memory: 1Gi is more than 512Mi: change it, or policies.maxLimits.memory"}},
		"images of strangers": {
			func(r object) {
				r["battle"] = object{"replicas": 1, "image": "evil/b" + digest, "portAllocator": object{"image": "worse/p" + digest}}
				r["lobby"] = object{"image": "worst/l" + digest, "playerKeysFile": "players.json", "issuer": "me"}
				set(r, "policies.registries", []any{"registry.example.com/", "mirror.example.com/"})
			},
			[]string{"battle.image: evil/b" + digest + " is from none of registry.example.com/, mirror.example.com/: change it, or policies.registries",
				"battle.portAllocator.image: worse/p" + digest + " is from none of registry.example.com/, mirror.example.com/: change it, or policies.registries",
				"lobby.image: worst/l" + digest + " is from none of registry.example.com/, mirror.example.com/: change it, or policies.registries"}},
		"everything at once, in the order of the policies": {
			func(r object) {
				set(r, "battle.tickRate", 60)
				set(r, "slo.tickRate", 59)
				set(r, "policies.maxPlayers", 9)
			},
			[]string{"battle.maxPlayers: 10 is more than 9: change it, or policies.maxPlayers", "battle.tickRate: 60 is less than 120: change it, or policies.minTickRate"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := two()
			tt.edit(tree)
			requireProblems(t, tree, tt.want...)
			for _, leave := range []config.Enforcement{config.EnforceWarn, config.EnforceDryRun} {
				set(tree, "policies.enforcement", string(leave))
				r := parse(t, tree)
				for i := range r.Cities {
					violations := r.Cities[i].Violations()
					require.Len(t, violations, len(tt.want))
					for j, v := range violations {
						require.Equal(t, r.Cities[i].Name, v.City)
						require.Equal(t, leave, v.Enforcement)
						require.Equal(t, tt.want[j], v.Text)
					}
				}
			}
		})
	}
}

func TestAPolicyOfTheRegionIsHeldAgainstACity(t *testing.T) {
	t.Parallel()
	tree := two()
	set(tree, "policies.maxPlayers", 8)
	set(tree, "battle.maxPlayers", 8)
	set(at(tree, "cities", 1), "battle.maxPlayers", 9)
	requireProblems(t, tree, "cities[1].battle.maxPlayers: 9 is more than 8: change it, or policies.maxPlayers")

	set(at(tree, "cities", 1), "policies.enforcement", "warn")
	r := parse(t, tree)
	require.Empty(t, r.Cities[0].Violations())
	require.Len(t, r.Cities[1].Violations(), 1)
}

func TestWhatIsAllowedViolatesNothing(t *testing.T) {
	t.Parallel()
	tree := two()
	image := "registry.example.com/x@sha256:" + strings.Repeat("0a", 32)
	tree["battle"] = object{"replicas": 1, "image": image, "portAllocator": object{"image": image}}
	set(tree, "policies.registries", []any{"registry.example.com/"})
	require.Empty(t, parse(t, tree).Cities[0].Violations())
	// An archive is the operator's own, from no registry.
	set(at(tree, "cities", 0), "battle.archive", "battle.tar")
	require.Empty(t, parse(t, tree).Cities[0].Violations())
}
