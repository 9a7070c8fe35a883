// Package workload is what the workloads of a city have in common: their labels, how little a container may do, how it is asked whether it works.
package workload

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// User is the user and the group that pods run as.
const User = 65532

// Labels are those of one part of a city.
func Labels(app, component string) pulumi.StringMap {
	return pulumi.StringMap{
		"app":                          pulumi.String(app),
		"app.kubernetes.io/name":       pulumi.String(app),
		"app.kubernetes.io/component":  pulumi.String(component),
		"app.kubernetes.io/part-of":    pulumi.String("edge-arena"),
		"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
	}
}

// Selector finds the pods of an app.
func Selector(app string) *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"app": pulumi.String(app)}}
}

// Confined is as little as a container needs that only computes and talks.
func Confined() *corev1.SecurityContextArgs {
	c := Bounded()
	c.RunAsNonRoot, c.RunAsUser, c.RunAsGroup = pulumi.Bool(true), pulumi.Int(User), pulumi.Int(User)
	c.SeccompProfile = seccomp()
	return c
}

// Bounded is the container's part of [Confined], for a pod whose own part is [Unprivileged].
func Bounded() *corev1.SecurityContextArgs {
	return &corev1.SecurityContextArgs{
		AllowPrivilegeEscalation: pulumi.Bool(false),
		ReadOnlyRootFilesystem:   pulumi.Bool(true),
		Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.StringArray{pulumi.String("ALL")}},
	}
}

// Unprivileged is for a pod with a volume of modules/storage. No fsGroup: the volume is its own already, and the kubelet would go through
// all of it at each start.
func Unprivileged() *corev1.PodSecurityContextArgs {
	return &corev1.PodSecurityContextArgs{
		RunAsNonRoot: pulumi.Bool(true), RunAsUser: pulumi.Int(User), RunAsGroup: pulumi.Int(User), SeccompProfile: seccomp(),
	}
}

func seccomp() *corev1.SeccompProfileArgs {
	return &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")}
}

// HTTPProbe asks a path each period, in seconds, and gives up after so many failures in a row.
func HTTPProbe(path string, port pulumi.Input, period, failures int) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          &corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: port},
		PeriodSeconds:    pulumi.Int(period),
		TimeoutSeconds:   pulumi.Int(2),
		FailureThreshold: pulumi.Int(failures),
	}
}

// EnvSecret is a variable that a Secret holds under the same name.
func EnvSecret(name string, secret pulumi.StringPtrInput) *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{Name: pulumi.String(name), ValueFrom: &corev1.EnvVarSourceArgs{
		SecretKeyRef: &corev1.SecretKeySelectorArgs{Name: secret, Key: pulumi.String(name)},
	}}
}
