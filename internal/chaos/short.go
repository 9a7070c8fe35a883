package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/edge-arena/edge-arena/internal/deployment"
)

// ShortBattles has the city's battles last for so long, a whole number of seconds, and returns what puts the former length back.
func ShortBattles(ctx context.Context, client kubernetes.Interface, length time.Duration) (restore func(context.Context) error, err error) {
	const namespace, name = "battle", "real-time-battle"
	deployments := client.AppsV1().Deployments(namespace)
	d, err := deployments.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("shorten battles: %w", err)
	}
	former := ""
	for _, e := range d.Spec.Template.Spec.Containers[0].Env {
		if e.Name == "BATTLE_SECONDS" {
			former = e.Value
		}
	}
	set := func(ctx context.Context, seconds string) error {
		variable := map[string]any{"name": "BATTLE_SECONDS", "value": seconds}
		if seconds == "" {
			variable = map[string]any{"name": "BATTLE_SECONDS", "$patch": "delete"}
		}
		patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{
			map[string]any{"name": name, "env": []any{variable}},
		}}}}})
		if err == nil {
			_, err = deployments.Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: "edge-arena-chaos"})
		}
		if err != nil {
			return fmt.Errorf("set the length of battles: %w", err)
		}
		return nil
	}
	if err := set(ctx, fmt.Sprint(int(length/time.Second))); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return set(ctx, former) }, deployment.WaitRolledOut(ctx, client, namespace, name, 3*time.Minute)
}
