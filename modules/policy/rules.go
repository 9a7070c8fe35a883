package policy

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strconv"

	"github.com/edge-arena/edge-arena/internal/refusal"
	"github.com/edge-arena/edge-arena/modules/battle"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/wasm"
)

// ruleFiles are the templates of the rules, as gator tests them.
//
//go:embed rules/*/template.yaml
var ruleFiles embed.FS

// CityNamespace holds the city's own services beside the battle: the message broker and the lobby.
const CityNamespace = "city"

// portAllocator is the one neighbor that battle pods have in their namespace.
const portAllocator = "port-allocator"

// rule is a template with its one constraint of the same name.
type rule struct {
	// name is the constraint's, and the folder of its files.
	name string
	// kind is the constraint's.
	kind string
	// scope is where it matches.
	scope func(*GatekeeperArgs) object
	// parameters are the constraint's.
	parameters func(*GatekeeperArgs) object
	// what is wrong with a pod that was broken.
	what string
	// broken makes a pod that keeps all rules break this one.
	broken func(*GatekeeperArgs, object)
}

// rules are all rules, in the order of their making.
func rules() []rule {
	return []rule{
		{
			name: "battle-runtime", kind: "EdgeArenaBattleRuntime", scope: inBattle,
			parameters: func(*GatekeeperArgs) object {
				return object{"runtimeClass": wasm.RuntimeClass, "neighbors": list(portAllocator)}
			},
			what:   "no RuntimeClass",
			broken: func(_ *GatekeeperArgs, pod object) { delete(pod.at("spec"), "runtimeClassName") },
		},
		{
			name: "battle-resources", kind: "EdgeArenaBattleResources", scope: inBattle,
			parameters: func(a *GatekeeperArgs) object {
				return object{
					"runtimeClass": wasm.RuntimeClass,
					"maxRequests":  quantities(a.Battle.Resources.Requests), "maxLimits": quantities(a.Policies.MaxLimits),
				}
			},
			what:   "no limits",
			broken: func(_ *GatekeeperArgs, pod object) { delete(container(pod).at("resources"), "limits") },
		},
		{
			name: "battle-settings", kind: "EdgeArenaBattleSettings", scope: inBattle,
			parameters: func(a *GatekeeperArgs) object {
				return object{
					"runtimeClass": wasm.RuntimeClass, "maxPlayers": a.Policies.MaxPlayers, "minTickRate": a.Policies.MinTickRate,
				}
			},
			what: "too many players",
			broken: func(a *GatekeeperArgs, pod object) {
				container(pod)["env"] = settings(a.Policies.MaxPlayers+1, a.Policies.MinTickRate)
			},
		},
		{
			name: "battle-images", kind: "EdgeArenaBattleImages", scope: inBattle,
			parameters: func(a *GatekeeperArgs) object { return object{"registries": list(a.Policies.Registries...)} },
			what:       "an image without a digest",
			broken:     func(_ *GatekeeperArgs, pod object) { container(pod)["image"] = imageName + ":latest" },
		},
		{
			name: "no-privileged", kind: "EdgeArenaNoPrivileged", scope: everywhere,
			// What a web server needs for port 80, and what Kubernetes' own strictest profile allows.
			parameters: func(*GatekeeperArgs) object { return object{"capabilities": list("NET_BIND_SERVICE")} },
			what:       "a privileged container",
			broken: func(_ *GatekeeperArgs, pod object) {
				container(pod)["securityContext"] = object{"privileged": true}
			},
		},
		{
			name: "no-host-path", kind: "EdgeArenaNoHostPath", scope: everywhere,
			what: "a folder of its node",
			broken: func(_ *GatekeeperArgs, pod object) {
				pod.at("spec")["volumes"] = list(object{"name": "node", "hostPath": object{"path": "/"}})
			},
		},
		{
			name: "host-network", kind: "EdgeArenaHostNetwork", scope: everywhere,
			parameters: func(a *GatekeeperArgs) object {
				return object{
					"namespaces": list(a.Battle.Namespace, ProofNamespace), "runtimeClass": wasm.RuntimeClass,
					"ports": object{"first": a.Battle.Ports.First, "last": a.Battle.Ports.Last},
				}
			},
			what:   "a port outside the battle pods' range",
			broken: func(_ *GatekeeperArgs, pod object) { container(pod)["ports"] = ports(reservedPort) },
		},
		{
			name: "required-labels", kind: "EdgeArenaRequiredLabels", scope: inGame,
			parameters: func(*GatekeeperArgs) object { return object{"labels": list(requiredLabels()...)} },
			what:       "no labels",
			broken:     func(_ *GatekeeperArgs, pod object) { delete(pod.at("metadata"), "labels") },
		},
	}
}

// reservedPort is K3s's own: no range of battle pods holds it.
const reservedPort = 6443

func requiredLabels() []string {
	return []string{"app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/part-of"}
}

// inBattle is where battle pods are: their namespace, and that of the proof.
func inBattle(a *GatekeeperArgs) object {
	return object{"namespaces": list(a.Battle.Namespace, ProofNamespace)}
}

// inGame is where the city's own pods are.
func inGame(a *GatekeeperArgs) object {
	return object{"namespaces": list(a.Battle.Namespace, CityNamespace, ProofNamespace)}
}

// everywhere is all but what is exempt: said here too, for the audit knows nothing of the webhook's selector.
func everywhere(a *GatekeeperArgs) object {
	return object{"excludedNamespaces": list(exempt(a)...)}
}

// template is the rule's ConstraintTemplate.
func (r rule) template() (object, error) {
	file := path.Join("rules", r.name, "template.yaml")
	content, err := ruleFiles.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("rule %s: %w", r.name, err)
	}
	all, err := decode(content)
	if err != nil {
		return nil, fmt.Errorf("rule %s: %s: %w", r.name, file, err)
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("rule %s: %s holds %d objects instead of one", r.name, file, len(all))
	}
	return all[0], nil
}

// constraint puts the rule in force with the city's numbers.
func (r rule) constraint(args *GatekeeperArgs) object {
	match := r.scope(args)
	match["kinds"] = list(
		object{"apiGroups": list(""), "kinds": list("Pod")},
		object{"apiGroups": list("apps"), "kinds": list("DaemonSet", "Deployment", "StatefulSet")},
		object{"apiGroups": list("batch"), "kinds": list("CronJob", "Job")},
	)
	spec := object{"enforcementAction": string(args.Policies.Enforcement), "match": match}
	if r.parameters != nil {
		spec["parameters"] = r.parameters(args)
	}
	return object{
		"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": r.kind, "metadata": object{"name": r.name}, "spec": spec,
	}
}

// imageName is that of a pod which is never kept.
const imageName = "registry.example.com/real-time-battle"

// keepsAll is a pod that no rule minds: a battle pod, in the namespace of the proof.
func keepsAll(args *GatekeeperArgs) object {
	labels := object{"app": battle.App}
	for _, label := range requiredLabels() {
		labels[label] = "proof"
	}
	return object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": object{"name": "proof", "namespace": ProofNamespace, "labels": labels},
		"spec": object{
			"runtimeClassName": wasm.RuntimeClass, "hostNetwork": true, "automountServiceAccountToken": false,
			"containers": list(object{
				// Never pulled, so from any registry; the digest is nobody's, for it never runs.
				"name": battle.App, "image": imageName + "@sha256:" + fmt.Sprintf("%064d", 0), "imagePullPolicy": "Never",
				"ports":     ports(args.Battle.Ports.First),
				"env":       settings(args.Policies.MaxPlayers, args.Policies.MinTickRate),
				"resources": object{"requests": object{"cpu": "1m", "memory": "1Mi"}, "limits": quantities(args.Policies.MaxLimits)},
			}),
		},
	}
}

func container(pod object) object { return pod.at("spec")["containers"].([]any)[0].(object) }

func ports(port int) []any {
	return list(object{"containerPort": port, "hostPort": port, "protocol": "UDP"})
}

func settings(players, tickRate int) []any {
	return list(variable("MAX_PLAYERS", strconv.Itoa(players)), variable("TICK_RATE", strconv.Itoa(tickRate)))
}

func quantities(q config.Quantities) object { return object{"cpu": q.CPU, "memory": q.Memory} }

// proof is what must be seen for the policies to be in force.
func (a GatekeeperArgs) proof(kubeconfig string) (refusal.Spec, error) {
	s := refusal.Spec{
		City: a.City, Kubeconfig: kubeconfig, Enforcement: string(a.Policies.Enforcement), Timeout: provePatience,
	}
	var err error
	if s.Allowed, err = json.Marshal(keepsAll(&a)); err != nil {
		return s, fmt.Errorf("proof: %w", err)
	}
	for _, r := range rules() {
		pod := keepsAll(&a)
		r.broken(&a, pod)
		denied, err := json.Marshal(pod)
		if err != nil {
			return s, fmt.Errorf("proof of %s: %w", r.name, err)
		}
		s.Rules = append(s.Rules, refusal.Rule{Name: r.name, Kind: r.kind, What: r.what, Denied: denied})
	}
	return s, nil
}
