package deployment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func deployment(generation int64, replicas int32, s appsv1.DeploymentStatus) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "battle", Name: "server", Generation: generation}, Spec: appsv1.DeploymentSpec{Replicas: &replicas}, Status: s,
	}
}

func TestRolledOut(t *testing.T) {
	t.Parallel()
	whole := appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}
	for name, tt := range map[string]struct {
		change func(*appsv1.DeploymentStatus)
		want   bool
	}{
		"all there":                 {func(*appsv1.DeploymentStatus) {}, true},
		"not yet seen":              {func(s *appsv1.DeploymentStatus) { s.ObservedGeneration = 2 }, false},
		"one not yet there":         {func(s *appsv1.DeploymentStatus) { s.AvailableReplicas = 1 }, false},
		"one of the version before": {func(s *appsv1.DeploymentStatus) { s.UpdatedReplicas = 1 }, false},
		"an old one about to go":    {func(s *appsv1.DeploymentStatus) { s.Replicas = 3 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := whole
			tt.change(&s)
			require.Equal(t, tt.want, RolledOut(deployment(3, 2, s)))
		})
	}
}

func TestWaitRolledOut(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset(deployment(1, 2, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 2}))
	err := WaitRolledOut(t.Context(), client, "battle", "server", 10*time.Millisecond)
	require.EqualError(t, err, "roll out battle/server: it has not happened for 10ms: 2 of 2 pods are available, 1 of the last version")
	time.AfterFunc(50*time.Millisecond, func() {
		d := deployment(1, 2, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2})
		_ = client.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("deployments"), d, "battle")
	})
	require.NoError(t, WaitRolledOut(t.Context(), client, "battle", "server", time.Minute))
}
