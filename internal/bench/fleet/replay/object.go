package replay

import (
	"encoding/json"
	"fmt"
	"strings"
)

// patience is how long an object may take until it is in order: longer than any of ours is given by Pulumi, so that what is slow is slow and
// not a failure.
const patience = "600s"

// kubectl is the one that K3s brings along, with the admin's rights.
const kubectl = "k3s kubectl "

// apply is the script that applies objects as Pulumi does, by server-side apply, and waits for those that Pulumi waits for, and what it
// reads.
func apply(objects []*resource) (script, stdin string, err error) {
	list := map[string]any{"apiVersion": "v1", "kind": "List"}
	var items []any
	lines := []string{kubectl + "apply --server-side --force-conflicts -f - >&2"}
	for _, r := range objects {
		items = append(items, r.Inputs)
		if !r.awaited() {
			continue
		}
		meta, _ := r.Inputs["metadata"].(map[string]any)
		name, namespace := text(meta, "name"), text(meta, "namespace")
		if name == "" {
			return "", "", fmt.Errorf("%s: has no name", r.name())
		}
		if namespace == "" {
			namespace = "default"
		}
		if r.kind() == "Job" {
			lines = append(lines, fmt.Sprintf("%s-n %s wait --for=condition=complete --timeout=%s job/%s >&2", kubectl, namespace, patience, name))
		} else {
			lines = append(lines, fmt.Sprintf("%s-n %s rollout status --timeout=%s deployment/%s >&2", kubectl, namespace, patience, name))
		}
	}
	list["items"] = items
	content, err := json.Marshal(list)
	if err != nil {
		return "", "", fmt.Errorf("write objects: %w", err)
	}
	return strings.Join(lines, " && "), string(content), nil
}

// How Pulumi marks values in its state that are no plain ones.
const (
	signature       = "4dabf18193072939515e22adb298388d"
	secretSignature = "1b47061264138c4ac30d75fd1eb44270"
)

// revealed is a tree with its secrets in plain text.
func revealed(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if v[signature] == secretSignature {
			plaintext, ok := v["plaintext"].(string)
			if !ok {
				return nil, fmt.Errorf("a secret is encrypted: export the stack with --show-secrets")
			}
			var plain any
			d := json.NewDecoder(strings.NewReader(plaintext))
			d.UseNumber()
			if err := d.Decode(&plain); err != nil {
				return nil, fmt.Errorf("read a secret: %w", err)
			}
			return revealed(plain)
		}
		out := make(map[string]any, len(v))
		for key, value := range v {
			plain, err := revealed(value)
			if err != nil {
				return nil, err
			}
			out[key] = plain
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			plain, err := revealed(value)
			if err != nil {
				return nil, err
			}
			out[i] = plain
		}
		return out, nil
	}
	return v, nil
}

// Rewrite replaces in all that is run what the first text of each pair says by the second: the addresses of other hosts.
func Rewrite(steps []Step, pairs ...string) {
	r := strings.NewReplacer(pairs...)
	for i := range steps {
		steps[i].Script, steps[i].Stdin = r.Replace(steps[i].Script), r.Replace(steps[i].Stdin)
	}
}
