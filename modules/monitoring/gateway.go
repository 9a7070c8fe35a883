package monitoring

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/credentials"
)

// makeGateway makes what the other cities reach: by it they can write, and read nothing.
func (b *hubBuilder) makeGateway() error {
	if b.args.Gateway == nil {
		return nil
	}
	m, access := b.settings(), b.args.Gateway
	shown, err := b.secret("gateway-certificate", hubGateway, pulumi.StringMap{caFile: access.CA, certificateFile: access.Certificate, keyFile: access.Key})
	if err != nil {
		return err
	}
	image, err := b.deliver(hubGateway, m.Hub.Gateway)
	if err != nil {
		return err
	}
	args := []string{
		"-listen=:" + strconv.Itoa(gatewayPort), "-metrics=:" + strconv.Itoa(gatewayMetricsPort),
		"-ca=" + accessDir + "/" + caFile, "-certificate=" + accessDir + "/" + certificateFile, "-key=" + accessDir + "/" + keyFile,
		"-alertmanager=" + inCluster(alertmanager, alertmanagerPort),
	}
	if hasLongTerm(m) {
		args = append(args, "-prometheus="+inCluster(prometheusHub, prometheusPort))
	}
	if hasLoki(m) {
		args = append(args, "-loki="+inCluster(loki, lokiPort))
	}
	p := part{
		name: hubGateway, component: "gateway", image: image, args: args, env: map[string]string{"GOMEMLIMIT": "48MiB"},
		ports: []port{{"http", gatewayMetricsPort}, {"https", gatewayPort}}, ready: "/healthz", healthy: "/healthz",
		cpu: "10m", memory: "32Mi", limit: "64Mi", mounts: []mount{secretMount(accessDir, shown)},
		fingerprint: credentials.Fingerprint(access.CA, access.Certificate, access.Key), after: []pulumi.Resource{shown},
	}
	made, err := b.deployment(p)
	if err != nil {
		return err
	}
	inside, err := b.service(p, &corev1.ServiceSpecArgs{}, made)
	if err != nil {
		return err
	}
	outside, err := corev1.NewService(b.ctx, b.name+"-gateway-nodeport", &corev1.ServiceArgs{
		Metadata: b.meta(hubGateway+"-wan", "gateway"),
		Spec: &corev1.ServiceSpecArgs{
			Type: pulumi.String("NodePort"), Selector: pulumi.StringMap{"app": pulumi.String(hubGateway)},
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("https"), Port: pulumi.Int(gatewayPort), TargetPort: pulumi.String("https"), NodePort: pulumi.Int(m.Hub.NodePort),
			}},
		},
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{made}))
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	_, err = networkingv1.NewNetworkPolicy(b.ctx, b.name+"-gateway-network", &networkingv1.NetworkPolicyArgs{
		Metadata: b.meta(hubGateway, "gateway"),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"app": pulumi.String(hubGateway)}},
			PolicyTypes: pulumi.StringArray{pulumi.String("Ingress")},
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
				Ports: networkingv1.NetworkPolicyPortArray{&networkingv1.NetworkPolicyPortArgs{Port: pulumi.Any("https")}},
			}},
		},
	}, b.parent)
	if err != nil {
		return fmt.Errorf("gateway: network policy: %w", err)
	}
	b.hub.Ready = slices.Concat(b.hub.Ready, []pulumi.Resource{made, inside, outside})
	return nil
}
