package portalloc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	admissionregv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// injector keeps the service's CA in its webhook configuration.
type injector struct {
	cfg     Config
	client  kubernetes.Interface
	caPEM   []byte
	metrics *metrics
	log     *slog.Logger
	done    atomic.Bool // the CA has been in place at least once
}

// run looks at the configuration until ctx ends: an apply of the whole object, or another process before us, may have changed
// the bundle at any time. It reports a failure once per cause, not once per attempt.
func (in *injector) run(ctx context.Context) {
	last := ""
	for {
		switch err := in.ensure(ctx); {
		case ctx.Err() != nil:
			return
		case err == nil:
			last = ""
			in.done.Store(true)
		case err.Error() != last:
			last = err.Error()
			in.log.Error("webhook configuration lacks our CA, will try again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(in.cfg.Recheck):
		}
	}
}

// ensure writes the CA bundle into the webhooks of the configuration that call this service and have another one.
func (in *injector) ensure(ctx context.Context) error {
	configs := in.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	current, err := configs.Get(ctx, in.cfg.Webhook, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get webhook configuration %s: %w", in.cfg.Webhook, err)
	}
	// A strategic merge patch finds the webhooks by name, wherever they stand in the list when it arrives.
	type clientConfig struct {
		CABundle []byte `json:"caBundle"`
	}
	type webhook struct {
		Name         string       `json:"name"`
		ClientConfig clientConfig `json:"clientConfig"`
	}
	var stale []webhook
	ours := 0
	for _, w := range current.Webhooks {
		if !in.calls(w.ClientConfig.Service) {
			continue
		}
		ours++
		if !bytes.Equal(w.ClientConfig.CABundle, in.caPEM) {
			stale = append(stale, webhook{w.Name, clientConfig{in.caPEM}})
		}
	}
	if ours == 0 {
		return fmt.Errorf("webhook configuration %s has no webhook that calls service %s in namespace %s", in.cfg.Webhook, in.cfg.Service, in.cfg.Namespace)
	}
	if len(stale) == 0 {
		return nil
	}
	body, err := json.Marshal(map[string][]webhook{"webhooks": stale})
	if err != nil {
		return fmt.Errorf("encode CA patch: %w", err)
	}
	_, err = configs.Patch(ctx, in.cfg.Webhook, types.StrategicMergePatchType, body, metav1.PatchOptions{FieldManager: "port-allocator"})
	if err != nil {
		return fmt.Errorf("patch webhook configuration %s: %w", in.cfg.Webhook, err)
	}
	in.metrics.injections.Inc()
	in.log.Info("wrote our CA into the webhook configuration", "name", in.cfg.Webhook, "webhooks", len(stale))
	return nil
}

func (in *injector) calls(s *admissionregv1.ServiceReference) bool {
	return s != nil && s.Name == in.cfg.Service && s.Namespace == in.cfg.Namespace
}
