package refusal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Outcome is what was proven.
type Outcome struct {
	Subject     string   `json:"subject"`
	Enforcement string   `json:"enforcement"`
	Rules       []string `json:"rules"`
}

// pause is how long to wait before all is tried again.
const pause = 2 * time.Second

// prover tries pods.
type prover struct {
	spec     Spec
	client   dynamic.Interface
	warnings *warnings
	log      io.Writer
	pause    time.Duration
}

// prove tries all pods until each is answered as it should be, in one and the same round. When the time is up it says which rules did not.
func (p *prover) prove(ctx context.Context) (*Outcome, error) {
	limited, cancel := context.WithTimeout(ctx, p.spec.Timeout)
	defer cancel()
	for told := ""; ; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		err := p.round(limited)
		if err == nil {
			break
		}
		// A round that was cut off says nothing but that, so the one before has the word.
		if text := err.Error(); told == "" || (text != told && limited.Err() == nil) {
			_, _ = fmt.Fprintf(p.log, "not yet: %s\n", strings.ReplaceAll(text, "\n", "; "))
			told = text
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-limited.Done():
			return nil, fmt.Errorf("the policies are not in force after %s:\n%s", p.spec.Timeout, told)
		case <-time.After(p.pause):
		}
	}
	outcome := &Outcome{Subject: p.spec.Subject, Enforcement: p.spec.Enforcement}
	for _, rule := range p.spec.Rules {
		outcome.Rules = append(outcome.Rules, rule.Name)
	}
	return outcome, nil
}

// round tries every pod once. The error holds all that was not as it should be.
func (p *prover) round(ctx context.Context) error {
	var errs []error
	if err := p.allowed(ctx); err != nil {
		errs = append(errs, err)
	}
	for _, rule := range p.spec.Rules {
		if err := p.holds(ctx, rule); err != nil {
			errs = append(errs, fmt.Errorf("rule %s: %w", rule.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (p *prover) allowed(ctx context.Context) error {
	complaints, err := p.try(ctx, p.spec.Allowed)
	if err != nil {
		return fmt.Errorf("a pod that keeps all rules was refused: %w", err)
	}
	for _, rule := range p.spec.Rules {
		if said(complaints, rule) {
			return fmt.Errorf("a pod that keeps all rules was warned of: %s", strings.Join(complaints, "; "))
		}
	}
	return nil
}

// holds tells whether a rule does with its pod what it should, and whether Gatekeeper says that it enforces the rule: of a dry run nothing
// else is to be seen.
func (p *prover) holds(ctx context.Context, rule Rule) error {
	complaints, err := p.try(ctx, rule.Denied)
	refused := err != nil && apierrors.IsForbidden(err) && strings.Contains(err.Error(), mark(rule))
	switch {
	case p.spec.Enforcement == Deny && err == nil:
		return fmt.Errorf("a pod with %s was admitted", rule.What)
	case p.spec.Enforcement == Deny && !refused:
		return fmt.Errorf("a pod with %s was refused, but not by this rule: %w", rule.What, err)
	case p.spec.Enforcement != Deny && err != nil:
		return fmt.Errorf("a pod with %s was refused, though the enforcement is %s: %w", rule.What, p.spec.Enforcement, err)
	case p.spec.Enforcement == Warn && !said(complaints, rule):
		return fmt.Errorf("a pod with %s was admitted without a warning", rule.What)
	}
	return p.enforced(ctx, rule)
}

// try has the API server create a pod on a dry run: all of admission, nothing kept.
func (p *prover) try(ctx context.Context, raw json.RawMessage) (complaints []string, err error) {
	pod, err := readPod(raw)
	if err != nil {
		return nil, err
	}
	p.warnings.take()
	_, err = p.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace(pod.GetNamespace()).
		Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager})
	return p.warnings.take(), err
}

// enforced reads what Gatekeeper says of the constraint.
func (p *prover) enforced(ctx context.Context, rule Rule) error {
	constraints := schema.GroupVersionResource{Group: "constraints.gatekeeper.sh", Version: "v1beta1", Resource: strings.ToLower(rule.Kind)}
	c, err := p.client.Resource(constraints).Get(ctx, rule.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the constraint: %w", err)
	}
	if action, _, _ := unstructured.NestedString(c.Object, "spec", "enforcementAction"); action != p.spec.Enforcement {
		return fmt.Errorf("its enforcement is %q, not %s", action, p.spec.Enforcement)
	}
	pods, _, _ := unstructured.NestedSlice(c.Object, "status", "byPod")
	for _, each := range pods {
		pod, ok := each.(map[string]any)
		if !ok {
			continue
		}
		enforced, _, _ := unstructured.NestedBool(pod, "enforced")
		generation, _, _ := unstructured.NestedInt64(pod, "observedGeneration")
		if enforced && generation == c.GetGeneration() {
			return nil
		}
	}
	return errors.New("gatekeeper does not say that it is enforced")
}

// mark is how Gatekeeper begins what it has to say for a constraint.
func mark(rule Rule) string { return "[" + rule.Name + "] " }

func said(complaints []string, rule Rule) bool {
	for _, c := range complaints {
		if strings.Contains(c, mark(rule)) {
			return true
		}
	}
	return false
}

func readPod(raw json.RawMessage) (*unstructured.Unstructured, error) {
	pod := &unstructured.Unstructured{}
	if err := pod.UnmarshalJSON(raw); err != nil {
		return nil, fmt.Errorf("no pod: %w", err)
	}
	if pod.GetKind() != "Pod" || pod.GetAPIVersion() != "v1" {
		return nil, fmt.Errorf("no pod: a %s of %s", pod.GetKind(), pod.GetAPIVersion())
	}
	if pod.GetNamespace() == "" || pod.GetName() == "" {
		return nil, errors.New("metadata: a name and a namespace are required")
	}
	return pod, nil
}

// warnings keeps what the API server warned of.
type warnings struct {
	mu   sync.Mutex
	list []string
}

// HandleWarningHeader takes one warning.
func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, text)
}

// take gives what has come since the last time.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list = nil
	return list
}
