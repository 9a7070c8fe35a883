package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/edge-arena/edge-arena/internal/deployment"
	"github.com/edge-arena/edge-arena/internal/players"
	"github.com/edge-arena/edge-arena/lobby/joinpolicy/policy"
)

// The lobby's parts in the city.
const (
	lobbyApp       = "lobby"
	lobbyPolicy    = "lobby-policy"
	lobbyPolicyKey = "join.rego"
)

// joinRate is how many players a second ask for a seat.
const joinRate = 200

// openPolicy lets everybody in: what is left of a join without a policy.
const openPolicy = "package gaming\n\ndefault allow = true\n"

// lobby measures joins with the policy and without, what the policy takes to decide, and the ledger beside plain inserts.
func (r *runner) lobby(ctx context.Context) error {
	result := &Lobby{JoinRate: joinRate, Rounds: 2, DurationSec: 20}
	if r.cfg.Quick {
		result.Rounds, result.DurationSec = 1, 5
	}
	if err := r.joins(ctx, result); err != nil {
		return err
	}
	if err := r.decisions(ctx, result); err != nil {
		return err
	}
	if err := r.ledger(ctx, result); err != nil {
		return err
	}
	r.report.Lobby = result
	return nil
}

// joins asks the city's own lobby for seats, in turns with the policy and with one that lets everybody in. Meanwhile the lobby has no bound on how
// often an address may ask, for all players are at one here, and its tickets are short-lived, so that seats of players who never come are free again.
func (r *runner) joins(ctx context.Context, result *Lobby) (err error) {
	city := lobbyCity{client: r.cluster.client, namespace: r.city.Lobby.Namespace}
	kept, err := city.keep(ctx)
	if err != nil {
		return err
	}
	defer func() {
		back := r.p.Step(context.WithoutCancel(ctx), "put the lobby back", func(ctx context.Context) error { return city.set(ctx, kept.deployment, kept.policy) })
		err = errors.Join(err, back)
	}()
	tokens, err := r.tokens(int(result.DurationSec*joinRate) * result.Rounds * 2)
	if err != nil {
		return err
	}
	var with, without joined
	for round := range result.Rounds {
		for _, side := range []struct {
			name, rego string
			joined     *joined
		}{{"with the policy", policy.Join, &with}, {"without", openPolicy, &without}} {
			if err := city.set(ctx, kept.withoutBounds(), side.rego); err != nil {
				return err
			}
			title := fmt.Sprintf("%d joins a second %s, round %d of %d", joinRate, side.name, round+1, result.Rounds)
			err := r.p.Step(ctx, title, func(ctx context.Context) error {
				n := int(result.DurationSec * joinRate)
				err := side.joined.ask(ctx, players.Lobby{URL: r.city.Lobby.Address}, tokens[:n])
				tokens = tokens[n:]
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	result.WithPolicy, result.WithoutPolicy = with.side(), without.side()
	return nil
}

// tokens signs one for each of n players.
func (r *runner) tokens(n int) ([]string, error) {
	all := make([]string, n)
	for i := range all {
		var err error
		if all[i], err = r.cfg.Token(fmt.Sprintf("bench-%d", i)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// joined is what became of joins.
type joined struct {
	mu      sync.Mutex
	times   []time.Duration
	refused int
	first   error
}

// ask has a player ask for a seat every 1/[joinRate] s, whether those before have been answered or not. A join's time is from when it was due.
func (j *joined) ask(ctx context.Context, lobby players.Lobby, tokens []string) error {
	transport := &http.Transport{MaxIdleConns: joinRate, MaxIdleConnsPerHost: joinRate}
	defer transport.CloseIdleConnections()
	lobby.Client = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	began := time.Now()
	var asking sync.WaitGroup
	for i, token := range tokens {
		due := began.Add(time.Duration(i) * time.Second / joinRate)
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		asking.Go(func() {
			_, err := lobby.Join(ctx, token, "")
			took := time.Since(due)
			j.mu.Lock()
			defer j.mu.Unlock()
			if err != nil {
				j.refused++
				j.first = cmp.Or(j.first, err)
				return
			}
			j.times = append(j.times, took)
		})
	}
	asking.Wait()
	if len(j.times) == 0 {
		return fmt.Errorf("nobody was let in: %w", j.first)
	}
	return ctx.Err()
}

func (j *joined) side() Joins { return Joins{Times: timesOf(j.times), Refused: j.refused} }

// lobbyCity is the city's lobby in Kubernetes.
type lobbyCity struct {
	client    kubernetes.Interface
	namespace string
}

// keptLobby is what the lobby was like.
type keptLobby struct {
	deployment *applyappsv1.DeploymentApplyConfiguration
	policy     string
}

func (c lobbyCity) keep(ctx context.Context) (keptLobby, error) {
	d, err := c.client.AppsV1().Deployments(c.namespace).Get(ctx, lobbyApp, metav1.GetOptions{})
	if err != nil {
		return keptLobby{}, fmt.Errorf("get the lobby: %w", err)
	}
	apply, _, err := asApplied(d)
	if err != nil {
		return keptLobby{}, fmt.Errorf("get the lobby: %w", err)
	}
	m, err := c.client.CoreV1().ConfigMaps(c.namespace).Get(ctx, lobbyPolicy, metav1.GetOptions{})
	if err != nil {
		return keptLobby{}, fmt.Errorf("get the lobby's policy: %w", err)
	}
	return keptLobby{deployment: apply, policy: m.Data[lobbyPolicyKey]}, nil
}

// withoutBounds is the lobby with no bound on an address, and short-lived tickets. Of flags that are given twice the later counts.
func (k keptLobby) withoutBounds() *applyappsv1.DeploymentApplyConfiguration {
	changed := *k.deployment
	spec := *changed.Spec
	template := *spec.Template
	pod := *template.Spec
	pod.Containers = slices.Clone(pod.Containers)
	pod.Containers[0].Args = slices.Concat(pod.Containers[0].Args, []string{"-address-rate=1000000/s", "-ticket-lifetime=2s"})
	template.Spec, spec.Template, changed.Spec = &pod, &template, &spec
	return &changed
}

// setLobby has the lobby run with this policy, in Pulumi's name, and waits until a pod that has begun with it is ready.
func (c lobbyCity) set(ctx context.Context, d *applyappsv1.DeploymentApplyConfiguration, rego string) error {
	m, err := c.client.CoreV1().ConfigMaps(c.namespace).Get(ctx, lobbyPolicy, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("set the lobby's policy: %w", err)
	}
	manager, err := pulumiManager(m)
	if err != nil {
		return err
	}
	changed, err := applycorev1.ExtractConfigMap(m, manager)
	if err != nil {
		return fmt.Errorf("set the lobby's policy: %w", err)
	}
	changed.WithData(map[string]string{lobbyPolicyKey: rego})
	options := metav1.ApplyOptions{FieldManager: manager, Force: true}
	if _, err := c.client.CoreV1().ConfigMaps(c.namespace).Apply(ctx, changed, options); err != nil {
		return fmt.Errorf("set the lobby's policy: %w", err)
	}
	live, err := c.client.AppsV1().Deployments(c.namespace).Get(ctx, lobbyApp, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("change the lobby: %w", err)
	}
	if options.FieldManager, err = pulumiManager(live); err != nil {
		return err
	}
	if _, err := c.client.AppsV1().Deployments(c.namespace).Apply(ctx, d, options); err != nil {
		return fmt.Errorf("change the lobby: %w", err)
	}
	return c.restart(ctx)
}

// restartLobby ends the lobby's pod and waits for the next one: a pod reads its policy at its start, and else only when the kubelet has brought it.
func (c lobbyCity) restart(ctx context.Context) error {
	selector := metav1.ListOptions{LabelSelector: "app=" + lobbyApp}
	if err := c.client.CoreV1().Pods(c.namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, selector); err != nil {
		return fmt.Errorf("restart the lobby: %w", err)
	}
	// The Deployment's status may not know of it yet.
	if err := pause(ctx, settle); err != nil {
		return err
	}
	return deployment.WaitRolledOut(ctx, c.client, c.namespace, lobbyApp, patience)
}
