// Command gatekeeper is Gatekeeper 3.15.1's manager for machines that cannot pull its image: the same packages, wired as upstream's
// main does it. That main does not build from the module proxy, for it needs a private fork of controller-runtime that is no part of the
// module; this one takes controller-runtime 0.17, whose cache can forget an informer by itself.
//
// It has the flags of upstream's packages, and those of upstream's main that the release manifest and modules/policy use. Left out is
// what the city turns off: external data and validation by CEL.
//
// Build: CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o manager .
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	constraintclient "github.com/open-policy-agent/frameworks/constraint/pkg/client"
	"github.com/open-policy-agent/frameworks/constraint/pkg/client/drivers/rego"
	"github.com/open-policy-agent/gatekeeper/v3/apis"
	configv1alpha1 "github.com/open-policy-agent/gatekeeper/v3/apis/config/v1alpha1"
	expansionv1alpha1 "github.com/open-policy-agent/gatekeeper/v3/apis/expansion/v1alpha1"
	expansionv1beta1 "github.com/open-policy-agent/gatekeeper/v3/apis/expansion/v1beta1"
	mutationsv1alpha1 "github.com/open-policy-agent/gatekeeper/v3/apis/mutations/v1alpha1"
	mutationsv1beta1 "github.com/open-policy-agent/gatekeeper/v3/apis/mutations/v1beta1"
	statusv1beta1 "github.com/open-policy-agent/gatekeeper/v3/apis/status/v1beta1"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/audit"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/cachemanager"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/controller"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/controller/config/process"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/expansion"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/externaldata"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/metrics"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/mutation"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/operations"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/pubsub"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/readiness"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/readiness/pruner"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/syncutil"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/target"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/upgrade"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/util"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/version"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/watch"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/webhook"
	_ "go.uber.org/automaxprocs" // GOMAXPROCS follows the container's CPU limit, as upstream.
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	crzap "sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	crwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

// What upstream calls the Secret and the certificate in it.
const (
	secretName = "gatekeeper-webhook-server-cert"
	caName     = "gatekeeper-ca"
)

// settings are the flags of upstream's main.
type settings struct {
	logLevel, healthAddress, metricsAddress string
	host, certDir, certService              string
	port                                    int
	keepCertificates                        bool
	disabledBuiltins                        util.FlagSet
}

func main() {
	s := settings{disabledBuiltins: util.NewFlagSet()}
	flag.StringVar(&s.logLevel, "log-level", "INFO", "minimum log level: DEBUG, INFO, WARNING or ERROR")
	flag.StringVar(&s.healthAddress, "health-addr", ":9090", "the address to which the health endpoint binds")
	flag.StringVar(&s.metricsAddress, "metrics-addr", "0", "the address of controller-runtime's own metrics; Gatekeeper's are at -prometheus-port")
	flag.StringVar(&s.host, "host", "", "the host address the webhook server listens on; all by default")
	flag.IntVar(&s.port, "port", 443, "the webhook server's port")
	flag.StringVar(&s.certDir, "cert-dir", "/certs", "the folder with the webhook server's certificate")
	flag.StringVar(&s.certService, "cert-service-name", "gatekeeper-webhook-service", "the service whose name the certificate is for")
	flag.BoolVar(&s.keepCertificates, "disable-cert-rotation", false, "do not make and rotate the webhook server's certificate")
	flag.Var(s.disabledBuiltins, "disable-opa-builtin", "an OPA built-in function to leave out; may be given more than once")
	if flag.Lookup("logtostderr") == nil {
		klog.InitFlags(nil)
	}
	flag.Parse()
	setLogger(s.logLevel)
	if err := run(s); err != nil {
		ctrl.Log.WithName("setup").Error(err, "gatekeeper failed")
		os.Exit(1)
	}
}

func setLogger(level string) {
	minimum := zapcore.InfoLevel
	switch level {
	case "DEBUG":
		minimum = zapcore.DebugLevel
	case "WARNING", "ERROR":
		minimum = zapcore.WarnLevel
	}
	encoder := zap.NewProductionEncoderConfig()
	log := crzap.New(crzap.UseDevMode(false), crzap.Level(minimum), crzap.Encoder(zapcore.NewJSONEncoder(encoder)))
	ctrl.SetLogger(log)
	klog.SetLogger(log)
}

func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apis.AddToScheme, configv1alpha1.AddToScheme, statusv1beta1.AddToScheme,
		mutationsv1alpha1.AddToScheme, mutationsv1beta1.AddToScheme, expansionv1alpha1.AddToScheme, expansionv1beta1.AddToScheme,
	} {
		utilruntime.Must(add(s))
	}
	return s
}

func run(s settings) error {
	if *externaldata.ExternalDataEnabled {
		return errors.New("this build has no external data: start it with --enable-external-data=false")
	}
	config := ctrl.GetConfigOrDie()
	config.UserAgent = version.GetUserAgent("gatekeeper")
	// As upstream: those metrics have too many series. Must come before the manager.
	metrics.DisableRESTClientMetrics()
	minTLS, err := tlsVersion(*webhook.TLSMinVersion)
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  newScheme(),
		Metrics: metricsserver.Options{BindAddress: s.metricsAddress},
		WebhookServer: crwebhook.NewServer(crwebhook.Options{
			Host: s.host, Port: s.port, CertDir: s.certDir, TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.MinVersion = minTLS }},
		}),
		HealthProbeBindAddress: s.healthAddress,
		MapperProvider:         apiutil.NewDynamicRESTMapper,
	})
	if err != nil {
		return fmt.Errorf("make the manager: %w", err)
	}
	certificates, err := rotate(mgr, s)
	if err != nil {
		return fmt.Errorf("rotate certificates: %w", err)
	}
	// It keeps the controllers from working on while they are taken down.
	teardown := watch.NewSwitch()
	defer teardown.Stop()
	tracker, err := readiness.SetupTracker(mgr, mutation.Enabled(), false, *expansion.ExpansionEnabled)
	if err != nil {
		return fmt.Errorf("track readiness: %w", err)
	}
	if err := mgr.AddHealthzCheck("default", healthz.Ping); err != nil {
		return fmt.Errorf("check health: %w", err)
	}

	ctx, cancel := context.WithCancelCause(ctrl.SetupSignalHandler())
	defer cancel(nil)
	go func() {
		select {
		case <-certificates:
		case <-ctx.Done():
			return
		}
		if err := setUp(mgr, s, teardown, tracker); err != nil {
			cancel(err)
		}
	}()
	err = mgr.Start(ctx)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

func tlsVersion(v string) (uint16, error) {
	switch v {
	case "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("tls-min-version: %q is neither 1.2 nor 1.3", v)
}

// rotate keeps the webhook server's certificate, and the CA in the webhooks' configuration, valid. The channel closes when they are.
func rotate(mgr ctrl.Manager, s settings) (<-chan struct{}, error) {
	ready := make(chan struct{})
	if s.keepCertificates {
		close(ready)
		return ready, nil
	}
	var webhooks []rotator.WebhookInfo
	webhooks = webhook.AppendValidationWebhookIfEnabled(webhooks)
	webhooks = webhook.AppendMutationWebhookIfEnabled(webhooks)
	return ready, rotator.AddRotator(mgr, &rotator.CertRotator{
		SecretKey:      types.NamespacedName{Namespace: util.GetNamespace(), Name: secretName},
		CertDir:        s.certDir,
		CAName:         caName,
		CAOrganization: "gatekeeper",
		DNSName:        fmt.Sprintf("%s.%s.svc", s.certService, util.GetNamespace()),
		IsReady:        ready,
		Webhooks:       webhooks,
		ExtKeyUsages:   &[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// removable has the cache forget informers by the name that Gatekeeper 3.15 calls.
type removable struct{ cache.Cache }

func (r removable) Remove(obj client.Object) error {
	return r.RemoveInformer(context.Background(), obj)
}

// setUp adds the controllers, the webhooks and the audit to the manager.
func setUp(mgr ctrl.Manager, s settings, teardown *watch.ControllerSwitch, tracker *readiness.Tracker) error {
	driver, err := rego.New(rego.Tracing(false), rego.DisableBuiltins(s.disabledBuiltins.ToSlice()...))
	if err != nil {
		return fmt.Errorf("make the Rego driver: %w", err)
	}
	opa, err := constraintclient.NewClient(constraintclient.Targets(&target.K8sValidationTarget{}), constraintclient.Driver(driver))
	if err != nil {
		return fmt.Errorf("make the constraint client: %w", err)
	}
	mutations := mutation.NewSystem(mutation.SystemOpts{Reporter: mutation.NewStatsReporter()})
	expansions, messages, excluder := expansion.NewSystem(mutations), pubsub.NewSystem(), process.Get()
	if err := metrics.AddToManager(mgr); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	watches, err := watch.New(removable{mgr.GetCache()})
	if err != nil {
		return fmt.Errorf("watch manager: %w", err)
	}
	if err := mgr.Add(watches); err != nil {
		return fmt.Errorf("watch manager: %w", err)
	}
	events := make(chan event.GenericEvent, 1024)
	registrar, err := watches.NewRegistrar(cachemanager.RegistrarName, events)
	if err != nil {
		return fmt.Errorf("watch registrar: %w", err)
	}
	data, err := cachemanager.NewCacheManager(&cachemanager.Config{
		CfClient: opa, SyncMetricsCache: syncutil.NewMetricsCache(), Tracker: tracker, ProcessExcluder: excluder, Registrar: registrar,
		Reader: mgr.GetCache(),
	})
	if err != nil {
		return fmt.Errorf("cache manager: %w", err)
	}
	if err := mgr.Add(pruner.NewExpectationsPruner(data, tracker)); err != nil {
		return fmt.Errorf("expectations pruner: %w", err)
	}
	if err := controller.AddToManager(mgr, &controller.Dependencies{
		CFClient: opa, WatchManger: watches, SyncEventsCh: events, CacheMgr: data, ControllerSwitch: teardown, Tracker: tracker,
		ProcessExcluder: excluder, MutationSystem: mutations, ExpansionSystem: expansions, PubsubSystem: messages,
	}); err != nil {
		return fmt.Errorf("controllers: %w", err)
	}
	if operations.IsAssigned(operations.Webhook) || operations.IsAssigned(operations.MutationWebhook) {
		if err := webhook.AddToManager(mgr, webhook.Dependencies{
			OpaClient: opa, ProcessExcluder: excluder, MutationSystem: mutations, ExpansionSystem: expansions,
		}); err != nil {
			return fmt.Errorf("webhooks: %w", err)
		}
	}
	if operations.IsAssigned(operations.Audit) {
		if err := audit.AddToManager(mgr, &audit.Dependencies{
			Client: opa, ProcessExcluder: excluder, CacheLister: audit.NewAuditCacheLister(mgr.GetCache(), data), ExpansionSystem: expansions,
			PubSubSystem: messages,
		}); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
	}
	if err := upgrade.AddToManager(mgr); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	return nil
}
