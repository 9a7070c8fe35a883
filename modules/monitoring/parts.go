package monitoring

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/internal/workload"
	data "github.com/edge-arena/edge-arena/monitoring"
)

// makeRights lets Prometheus see where pods and nodes are, and read the nodes' metrics. Of what there is in the cluster it sees nothing else.
func (b *cityBuilder) makeRights() (err error) {
	b.account, err = corev1.NewServiceAccount(b.ctx, b.name+"-account", &corev1.ServiceAccountArgs{
		Metadata: b.meta(prometheus, "metrics"), AutomountServiceAccountToken: pulumi.Bool(false),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	subject := rbacv1.SubjectArray{&rbacv1.SubjectArgs{Kind: pulumi.String("ServiceAccount"), Name: pulumi.String(prometheus), Namespace: b.namespace}}
	global := func(name string) *metav1.ObjectMetaArgs {
		return &metav1.ObjectMetaArgs{Name: pulumi.String("edge-arena-" + name), Labels: workload.Labels(prometheus, "metrics")}
	}
	role := func(name string, rules ...rbacv1.PolicyRuleInput) (*rbacv1.ClusterRole, error) {
		return rbacv1.NewClusterRole(b.ctx, b.name+"-role-"+name, &rbacv1.ClusterRoleArgs{Metadata: global(name), Rules: rbacv1.PolicyRuleArray(rules)}, b.parent)
	}
	rule := func(verbs []string, resources ...string) *rbacv1.PolicyRuleArgs {
		return &rbacv1.PolicyRuleArgs{ApiGroups: pulumi.StringArray{pulumi.String("")}, Resources: pulumi.ToStringArray(resources), Verbs: pulumi.ToStringArray(verbs)}
	}
	watch := []string{"get", "list", "watch"}
	nodes, err := role("node-metrics", rule(watch, "nodes"), rule([]string{"get"}, "nodes/metrics"),
		&rbacv1.PolicyRuleArgs{NonResourceURLs: pulumi.StringArray{pulumi.String("/metrics")}, Verbs: pulumi.StringArray{pulumi.String("get")}})
	if err != nil {
		return fmt.Errorf("role: %w", err)
	}
	pods, err := role("pod-discovery", rule(watch, "pods"))
	if err != nil {
		return fmt.Errorf("role: %w", err)
	}
	ref := func(r *rbacv1.ClusterRole) *rbacv1.RoleRefArgs {
		return &rbacv1.RoleRefArgs{ApiGroup: pulumi.String("rbac.authorization.k8s.io"), Kind: pulumi.String("ClusterRole"), Name: r.Metadata.Name().Elem()}
	}
	bound, err := rbacv1.NewClusterRoleBinding(b.ctx, b.name+"-node-metrics", &rbacv1.ClusterRoleBindingArgs{
		Metadata: global("node-metrics"), RoleRef: ref(nodes), Subjects: subject,
	}, b.parent)
	if err != nil {
		return fmt.Errorf("binding: %w", err)
	}
	b.rights = []pulumi.Resource{bound}
	for _, in := range []struct {
		role      string
		namespace pulumi.StringInput
	}{{"battle", b.args.BattleNamespace}, {"services", b.args.ServicesNamespace}, {"policy", b.args.PolicyNamespace}, {"monitoring", b.namespace}} {
		if _, err := rbacv1.NewRoleBinding(b.ctx, b.name+"-pods-"+in.role, &rbacv1.RoleBindingArgs{
			Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String("edge-arena-pod-discovery"), Namespace: in.namespace, Labels: workload.Labels(prometheus, "metrics")},
			RoleRef:  ref(pods), Subjects: subject,
		}, b.parent); err != nil {
			return fmt.Errorf("binding in %s: %w", in.role, err)
		}
	}
	return nil
}

func (b *cityBuilder) makePrometheus() error {
	m := b.args.City.Monitoring
	text, err := prometheusConfig(b.settings())
	if err != nil {
		return err
	}
	own, err := cityRules(b.args.Region, b.args.City, b.args.City.IsHub, b.args.ContainerMonth)
	if err != nil {
		return err
	}
	rules := data.CityRules()
	rules[ownRules] = own
	files := map[string]string{"prometheus.yml": text}
	configured, err := b.configMap("prometheus-config", "prometheus-config", files)
	if err != nil {
		return err
	}
	ruled, err := b.configMap("prometheus-rules", "prometheus-rules", rules)
	if err != nil {
		return err
	}
	image, err := b.deliver(prometheus, config.Source(m.Prometheus.Upstream))
	if err != nil {
		return err
	}
	exporter, err := b.deliver(natsExporter, config.Source(m.NATSExporter))
	if err != nil {
		return err
	}
	volume, err := b.volume(prometheus)
	if err != nil {
		return err
	}
	args, err := prometheusArgs(m.Prometheus.Retention)
	if err != nil {
		return err
	}
	ready, err := b.store(b.withAccess(part{
		name: prometheus, component: "metrics", image: image,
		args: append(args, "--web.enable-remote-write-receiver"),
		// It knows its limit by itself; what is not its heap needs some room besides.
		env:   map[string]string{"GOMEMLIMIT": "170MiB"},
		ports: []port{{"http", prometheusPort}}, ready: "/-/ready", healthy: "/-/healthy", patience: 180,
		cpu: "100m", memory: "180Mi", limit: "240Mi",
		mounts: []mount{configMount(configDir, configured), configMount(rulesDir, ruled), claimMount(volume)},
		sidecars: []*corev1.ContainerArgs{part{
			name: natsExporter, image: exporter, args: []string{"-addr=0.0.0.0", "-port=" + strconv.Itoa(natsExporterPort), "-varz", "-jsz=all", b.args.NATS},
			env: map[string]string{"GOMEMLIMIT": "20MiB"}, ports: []port{{"nats", natsExporterPort}},
			cpu: "10m", memory: "16Mi", limit: "32Mi",
		}.container()},
		account: b.account.Metadata.Name(), fingerprint: b.fingerprint(files, rules),
		after: slices.Concat(b.rights, exporter.After, volume.Ready, []pulumi.Resource{configured, ruled}),
	}))
	b.city.Ready = append(b.city.Ready, ready...)
	return err
}

// prometheusArgs are what the city's Prometheus and the hub's have in common.
func prometheusArgs(r config.Retention) ([]string, error) {
	size, err := resource.ParseQuantity(r.Size)
	if err != nil {
		return nil, fmt.Errorf("retention.size: %w", err)
	}
	return []string{
		"--config.file=" + configDir + "/prometheus.yml",
		"--storage.tsdb.path=" + dataDir,
		"--storage.tsdb.retention.time=" + strconv.Itoa(int(r.Time.Hours())) + "h",
		"--storage.tsdb.retention.size=" + strconv.FormatInt(size.Value(), 10) + "B",
		"--storage.tsdb.wal-compression",
		// The log's segments are deleted as they are done with: small ones are no burden for a small disk.
		"--storage.tsdb.wal-segment-size=16MB",
		"--query.max-samples=5000000",
		"--query.max-concurrency=4",
		"--query.timeout=30s",
		"--web.listen-address=:" + strconv.Itoa(prometheusPort),
		"--log.level=warn",
	}, nil
}

// makeShipper makes the log shipper. It is root, without any of root's rights: the files of pods' logs are root's alone.
func (b *cityBuilder) makeShipper() error {
	to := b.logs()
	if to == nil {
		return nil
	}
	text, err := shipperConfig(b.args.Region, b.args.City.Name, *to)
	if err != nil {
		return err
	}
	files := map[string]string{"config.yaml": text}
	configured, err := b.configMap("log-shipper-config", "log-shipper-config", files)
	if err != nil {
		return err
	}
	image, err := b.deliver(logShipper, config.Source(b.args.City.Monitoring.LogShipper))
	if err != nil {
		return err
	}
	security := workload.Bounded()
	security.SeccompProfile = &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")}
	made, err := b.everywhere(b.withAccess(part{
		name: logShipper, component: "logs", image: image,
		args: []string{"--config=" + configDir + "/config.yaml"},
		env:  map[string]string{"GOMEMLIMIT": "80MiB"},
		// The probes' port is one of its own.
		ports: []port{{"metrics", shipperMetricsPort}, {"health", shipperHealthPort}}, ready: "/", healthy: "/", probePort: "health",
		cpu: "40m", memory: "80Mi", limit: "128Mi",
		mounts: []mount{
			configMount(configDir, configured),
			hostMount("pod-logs", "/var/log/pods", "/var/log/pods", "DirectoryOrCreate", false),
			hostMount("queue", shipperDir, shipperDir, "DirectoryOrCreate", true),
		},
		podSecurity: &corev1.PodSecurityContextArgs{RunAsUser: pulumi.Int(0), RunAsGroup: pulumi.Int(0)}, security: security,
		fingerprint: b.fingerprint(files), after: []pulumi.Resource{configured},
	}))
	b.city.Ready = append(b.city.Ready, made)
	return err
}

// makeNodeExporter makes what tells of the nodes. It is in their network, whose counters there is no other way to, and listens at the address by which
// the cluster knows the node.
func (b *cityBuilder) makeNodeExporter() error {
	image, err := b.deliver(nodeExporter, config.Source(b.args.City.Monitoring.NodeExporter))
	if err != nil {
		return err
	}
	args := []string{
		"--web.listen-address=$(NODE_IP):" + strconv.Itoa(nodeExporterPort), "--log.level=warn",
		"--path.procfs=/host/proc", "--path.sysfs=/host/sys", "--path.rootfs=/host/root", "--collector.disable-defaults", "--web.disable-exporter-metrics",
		// Where the root is an overlay, as a rig's node is, that is the disk.
		`--collector.filesystem.fs-types-exclude=^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|proc|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tmpfs|tracefs)$`,
		`--collector.netdev.device-exclude=^(veth|cali|lo$)`, `--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run/.+|var/lib/(containerd|docker|kubelet|rancher)/.+)($|/)`,
	}
	for _, collector := range []string{"cpu", "diskstats", "filefd", "filesystem", "loadavg", "meminfo", "netdev", "netstat", "pressure", "stat", "timex", "udp_queues", "uname", "vmstat"} {
		args = append(args, "--collector."+collector)
	}
	made, err := b.everywhere(part{
		name: nodeExporter, component: "metrics", image: image, args: args,
		env: map[string]string{"GOMEMLIMIT": "24MiB"},
		known: corev1.EnvVarArray{&corev1.EnvVarArgs{Name: pulumi.String("NODE_IP"), ValueFrom: &corev1.EnvVarSourceArgs{
			FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String("status.hostIP")},
		}}},
		hostNetwork: true,
		ports:       []port{{"metrics", nodeExporterPort}}, ready: "/", healthy: "/", cpu: "20m", memory: "24Mi", limit: "48Mi",
		mounts: []mount{
			hostMount("proc", "/proc", "/host/proc", "Directory", false), hostMount("sys", "/sys", "/host/sys", "Directory", false),
			hostMount("root", "/", "/host/root", "Directory", false),
		},
	})
	b.city.Ready = append(b.city.Ready, made)
	return err
}
