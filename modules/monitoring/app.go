package monitoring

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/internal/workload"
	"github.com/edge-arena/edge-arena/modules/k3s"
	"github.com/edge-arena/edge-arena/modules/storage"
)

// dataDir is where a store's volume is in its pod.
const dataDir = "/data"

// part is a program of the monitoring, in a pod of its own.
type part struct {
	// name is that of its objects and the label `app` of its pod; component is the label of what it is for.
	name, component string
	// image is its own.
	image k3s.PodImage
	// args are its command line, env its environment.
	args []string
	env  map[string]string
	// ports are its ports by name.
	ports []port
	// ready and healthy are the paths of its probes, at the first port or, where it is named, at probePort. Without them it is healthy while it
	// takes connections.
	ready, healthy, probePort string
	// patience is how long it may take from its start until it is healthy, in seconds. Default is 60.
	patience int
	// cpu and memory are what it requests, limit is the most memory that it gets.
	cpu, memory, limit string
	// mounts are what it sees besides its own files.
	mounts []mount
	// sidecars are further containers.
	sidecars []*corev1.ContainerArgs
	// account is its service account, whose token it gets. Default is none.
	account pulumi.StringPtrInput
	// security is that of the container and of the pod. Default is that of any pod with a volume.
	security    *corev1.SecurityContextArgs
	podSecurity *corev1.PodSecurityContextArgs
	// fingerprint is another when what it has read at its start is.
	fingerprint pulumi.StringInput
	// known are variables whose values are known in the cluster alone.
	known corev1.EnvVarArray
	// hostNetwork puts the pod into its node's network.
	hostNetwork bool
	after       []pulumi.Resource
}

type port struct {
	name   string
	number int
}

// mount is something of the pod's in its file system.
type mount struct {
	name, path string
	writable   bool
	source     *corev1.VolumeArgs
}

func configMount(path string, m *corev1.ConfigMap) mount {
	name := strings.Trim(strings.ReplaceAll(path, "/", "-"), "-")
	return mount{name: name, path: path, source: &corev1.VolumeArgs{ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: m.Metadata.Name()}}}
}

func secretMount(path string, s *corev1.Secret) mount {
	name := strings.Trim(strings.ReplaceAll(path, "/", "-"), "-")
	return mount{name: name, path: path, source: &corev1.VolumeArgs{Secret: &corev1.SecretVolumeSourceArgs{
		SecretName: s.Metadata.Name(), DefaultMode: pulumi.Int(0o444),
	}}}
}

func claimMount(v *storage.Volume) mount {
	return mount{name: "data", path: dataDir, writable: true, source: &corev1.VolumeArgs{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{ClaimName: v.Claim},
	}}
}

func scratchMount(path, size string) mount {
	name := strings.Trim(strings.ReplaceAll(path, "/", "-"), "-")
	return mount{name: name, path: path, writable: true, source: &corev1.VolumeArgs{EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(size)}}}
}

// hostMount is a folder of the node.
func hostMount(name, from, to, kind string, writable bool) mount {
	return mount{name: name, path: to, writable: writable, source: &corev1.VolumeArgs{
		HostPath: &corev1.HostPathVolumeSourceArgs{Path: pulumi.String(from), Type: pulumi.String(kind)},
	}}
}

// maker makes parts in a cluster's namespace.
type maker struct {
	ctx       *pulumi.Context
	name      string
	owner     string
	namespace pulumi.StringInput
	cluster   *k3s.Cluster
	protect   bool
	component pulumi.Resource
	parent    pulumi.ResourceOption
}

func (m *maker) meta(name, component string) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Name: pulumi.String(name), Namespace: m.namespace, Labels: workload.Labels(name, component)}
}

func (m *maker) deliver(role string, source config.Source) (k3s.PodImage, error) {
	return k3s.Deliver(m.ctx, m.name, role, source, m.cluster, m.parent)
}

// volume gives a store its folder on the first server.
func (m *maker) volume(name string) (*storage.Volume, error) {
	return storage.NewVolume(m.ctx, m.name+"-"+name, &storage.VolumeArgs{
		Owner: m.owner, Name: name, Namespace: m.namespace, User: workload.User, Keep: m.protect, Cluster: m.cluster,
	}, pulumi.Parent(m.component))
}

func (m *maker) configMap(role, name string, files map[string]string) (*corev1.ConfigMap, error) {
	made, err := corev1.NewConfigMap(m.ctx, m.name+"-"+role, &corev1.ConfigMapArgs{Metadata: m.meta(name, "monitoring"), Data: pulumi.ToStringMap(files)}, m.parent)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return made, nil
}

func (m *maker) secret(role, name string, files pulumi.StringMap) (*corev1.Secret, error) {
	made, err := corev1.NewSecret(m.ctx, m.name+"-"+role, &corev1.SecretArgs{Metadata: m.meta(name, "monitoring"), StringData: files}, m.parent)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return made, nil
}

// store makes a part of one pod with its data, and the Service in front of it. It comes after the pod: see modules/messaging.
func (m *maker) store(p part) ([]pulumi.Resource, error) {
	set, err := appsv1.NewStatefulSet(m.ctx, m.name+"-"+p.name, &appsv1.StatefulSetArgs{
		Metadata: m.meta(p.name, p.component),
		Spec: &appsv1.StatefulSetSpecArgs{
			ServiceName: pulumi.String(p.name), Replicas: pulumi.Int(1), Selector: workload.Selector(p.name),
			// Of one pod there is no order, and an update does not wait for one that is broken.
			PodManagementPolicy: pulumi.String("Parallel"),
			Template:            p.template(),
		},
	}, m.parent, pulumi.DependsOn(p.dependencies()), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "5m", Update: "5m"}))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	service, err := m.service(p, &corev1.ServiceSpecArgs{}, set)
	return []pulumi.Resource{set, service}, err
}

func (m *maker) service(p part, spec *corev1.ServiceSpecArgs, after pulumi.Resource) (*corev1.Service, error) {
	spec.Selector = pulumi.StringMap{"app": pulumi.String(p.name)}
	if spec.Ports == nil {
		var ports corev1.ServicePortArray
		for _, port := range p.ports {
			ports = append(ports, &corev1.ServicePortArgs{Name: pulumi.String(port.name), Port: pulumi.Int(port.number), TargetPort: pulumi.String(port.name)})
		}
		spec.Ports = ports
	}
	made, err := corev1.NewService(m.ctx, m.name+"-"+p.name+"-service", &corev1.ServiceArgs{
		Metadata: m.meta(p.name, p.component), Spec: spec,
	}, m.parent, pulumi.DependsOn([]pulumi.Resource{after}))
	if err != nil {
		return nil, fmt.Errorf("%s: service: %w", p.name, err)
	}
	return made, nil
}

// everywhere makes a part that runs on each node.
func (m *maker) everywhere(p part) (pulumi.Resource, error) {
	template := p.template()
	// A node that takes no other pods is watched too.
	template.Spec.(*corev1.PodSpecArgs).Tolerations = corev1.TolerationArray{&corev1.TolerationArgs{Operator: pulumi.String("Exists")}}
	set, err := appsv1.NewDaemonSet(m.ctx, m.name+"-"+p.name, &appsv1.DaemonSetArgs{
		Metadata: m.meta(p.name, p.component),
		Spec:     &appsv1.DaemonSetSpecArgs{Selector: workload.Selector(p.name), Template: template},
	}, m.parent, pulumi.DependsOn(p.dependencies()), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "5m", Update: "5m"}))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return set, nil
}

func (p part) dependencies() []pulumi.Resource { return slices.Concat(p.after, p.image.After) }

func (p part) template() *corev1.PodTemplateSpecArgs {
	meta := &metav1.ObjectMetaArgs{Labels: workload.Labels(p.name, p.component)}
	if p.fingerprint != nil {
		// Another configuration is another pod.
		meta.Annotations = pulumi.StringMap{"edge-arena/config": p.fingerprint}
	}
	pod := &corev1.PodSpecArgs{
		AutomountServiceAccountToken:  pulumi.Bool(p.account != nil),
		ServiceAccountName:            p.account,
		EnableServiceLinks:            pulumi.Bool(false),
		TerminationGracePeriodSeconds: pulumi.Int(30),
		SecurityContext:               p.podSecurity,
	}
	if p.hostNetwork {
		pod.HostNetwork = pulumi.Bool(true)
	}
	if p.podSecurity == nil {
		pod.SecurityContext = workload.Unprivileged()
	}
	containers := corev1.ContainerArray{p.container()}
	for _, sidecar := range p.sidecars {
		containers = append(containers, sidecar)
	}
	var volumes corev1.VolumeArray
	for _, m := range p.mounts {
		m.source.Name = pulumi.String(m.name)
		volumes = append(volumes, m.source)
	}
	pod.Containers, pod.Volumes = containers, volumes
	return &corev1.PodTemplateSpecArgs{Metadata: meta, Spec: pod}
}

func (p part) container() *corev1.ContainerArgs {
	c := &corev1.ContainerArgs{
		Name:                     pulumi.String(p.name),
		Image:                    p.image.Reference,
		ImagePullPolicy:          pulumi.String(p.image.PullPolicy),
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		Args:                     pulumi.ToStringArray(p.args),
		Resources: &corev1.ResourceRequirementsArgs{
			Requests: pulumi.StringMap{"cpu": pulumi.String(p.cpu), "memory": pulumi.String(p.memory)},
			Limits:   pulumi.StringMap{"memory": pulumi.String(p.limit)},
		},
		SecurityContext: p.security,
	}
	if p.security == nil {
		c.SecurityContext = workload.Bounded()
	}
	env := slices.Clone(p.known)
	for _, name := range sortedKeys(p.env) {
		env = append(env, &corev1.EnvVarArgs{Name: pulumi.String(name), Value: pulumi.String(p.env[name])})
	}
	c.Env = env
	var ports corev1.ContainerPortArray
	for _, port := range p.ports {
		ports = append(ports, &corev1.ContainerPortArgs{Name: pulumi.String(port.name), ContainerPort: pulumi.Int(port.number), Protocol: pulumi.String("TCP")})
	}
	c.Ports = ports
	var mounts corev1.VolumeMountArray
	for _, m := range p.mounts {
		mounts = append(mounts, &corev1.VolumeMountArgs{Name: pulumi.String(m.name), MountPath: pulumi.String(m.path), ReadOnly: pulumi.Bool(!m.writable)})
	}
	c.VolumeMounts = mounts
	probed := p.probePort
	if probed == "" {
		probed = p.ports[0].name
	}
	patience := p.patience
	if patience == 0 {
		patience = 60
	}
	at := pulumi.String(probed)
	if p.healthy == "" {
		c.LivenessProbe = &corev1.ProbeArgs{TcpSocket: &corev1.TCPSocketActionArgs{Port: at}, PeriodSeconds: pulumi.Int(15), FailureThreshold: pulumi.Int(4)}
		return c
	}
	c.StartupProbe = workload.HTTPProbe(p.healthy, at, 1, patience)
	c.ReadinessProbe = workload.HTTPProbe(p.ready, at, 5, 3)
	c.LivenessProbe = workload.HTTPProbe(p.healthy, at, 15, 4)
	return c
}

// deployment makes a part that keeps nothing.
func (m *maker) deployment(p part) (pulumi.Resource, error) {
	if p.podSecurity == nil {
		p.podSecurity = workload.Unprivileged()
	}
	made, err := appsv1.NewDeployment(m.ctx, m.name+"-"+p.name, &appsv1.DeploymentArgs{
		Metadata: m.meta(p.name, p.component),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(1), RevisionHistoryLimit: pulumi.Int(3), ProgressDeadlineSeconds: pulumi.Int(120),
			Selector: workload.Selector(p.name), Template: p.template(),
		},
	}, m.parent, pulumi.DependsOn(p.dependencies()), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "3m", Update: "3m"}))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return made, nil
}
