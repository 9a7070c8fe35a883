package refusal

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func pod(name string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":"policy-proof"}}`, name))
}

func spec() Spec {
	return Spec{
		City: "east/shanghai", Subject: "abc", Kubeconfig: "x", Enforcement: Deny, Timeout: 20 * time.Second, Allowed: pod("allowed"),
		Rules: []Rule{
			{Name: "no-host-path", Kind: "EdgeArenaNoHostPath", What: "a folder of its node", Denied: pod("host-path")},
			{Name: "no-privileged", Kind: "EdgeArenaNoPrivileged", What: "a privileged container", Denied: pod("privileged")},
		},
	}
}

// city is an API server with Gatekeeper behind it, as far as a proof sees them.
type city struct {
	// pods answer creations, by the pod's name: a status and, for a refusal, the message; for an admission, the warning.
	pods map[string]answer
	// action and enforced are what the constraints say.
	action   string
	enforced bool
	// asleep is how many creations Gatekeeper still sleeps through: all pods are admitted then.
	asleep atomic.Int64
}

type answer struct {
	status int
	text   string
}

// inForce is a city that does what the enforcement says.
func inForce(enforcement string) *city {
	c := &city{pods: map[string]answer{"allowed": {http.StatusCreated, ""}}, action: enforcement, enforced: true}
	for name, rule := range map[string]string{"host-path": "no-host-path", "privileged": "no-privileged"} {
		text := "[" + rule + "] it is not allowed"
		switch enforcement {
		case Deny:
			c.pods[name] = answer{http.StatusForbidden, `admission webhook "validation.gatekeeper.sh" denied the request: ` + text}
		case Warn:
			c.pods[name] = answer{http.StatusCreated, text}
		case DryRun:
			c.pods[name] = answer{http.StatusCreated, ""}
		}
	}
	return c
}

func (c *city) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if kind, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/apis/constraints.gatekeeper.sh/v1beta1/"), "/"); ok && r.Method == http.MethodGet {
		_, _ = fmt.Fprintf(w, `{"apiVersion":"constraints.gatekeeper.sh/v1beta1","kind":%q,"metadata":{"name":%q,"generation":2},
			"spec":{"enforcementAction":%q},"status":{"byPod":[{"enforced":true,"observedGeneration":1},{"enforced":%t,"observedGeneration":2}]}}`, kind, name, c.action, c.enforced)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/api/v1/namespaces/policy-proof/pods" || r.URL.Query().Get("dryRun") != "All" {
		http.Error(w, "{}", http.StatusNotFound)
		return
	}
	body, _ := io.ReadAll(r.Body)
	var sent struct{ Metadata struct{ Name string } }
	_ = json.Unmarshal(body, &sent)
	a := c.pods[sent.Metadata.Name]
	if c.asleep.Add(-1) >= 0 {
		a = answer{http.StatusCreated, ""}
	}
	if a.status == http.StatusCreated {
		if a.text != "" {
			w.Header().Set("Warning", fmt.Sprintf("299 - %q", a.text))
		}
		w.WriteHeader(a.status)
		_, _ = w.Write(body)
		return
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": a.text, "reason": http.StatusText(a.status), "code": a.status})
}

// at is a prover of the spec, at a city, and its log.
func at(t *testing.T, c *city, s Spec) (*prover, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewTLSServer(c)
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	kubeconfig, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "x",
		"clusters": []any{map[string]any{"name": "x", "cluster": map[string]any{"server": server.URL, "certificate-authority-data": ca}}},
		"contexts": []any{map[string]any{"name": "x", "context": map[string]any{"cluster": "x", "user": "x"}}},
		"users":    []any{map[string]any{"name": "x", "user": map[string]any{"token": "s3cret"}}},
	})
	require.NoError(t, err)
	s.Kubeconfig = string(kubeconfig)
	log := &bytes.Buffer{}
	p, err := newProver(s, log)
	require.NoError(t, err)
	p.pause = 20 * time.Millisecond
	return p, log
}

func enforcing(enforcement string) Spec {
	s := spec()
	s.Enforcement = enforcement
	return s
}

func TestEachEnforcementIsProven(t *testing.T) {
	t.Parallel()
	for _, enforcement := range []string{Deny, Warn, DryRun} {
		t.Run(enforcement, func(t *testing.T) {
			t.Parallel()
			p, _ := at(t, inForce(enforcement), enforcing(enforcement))
			got, err := p.prove(t.Context())
			require.NoError(t, err)
			require.Equal(t, &Outcome{Subject: "abc", Enforcement: enforcement, Rules: []string{"no-host-path", "no-privileged"}}, got)
		})
	}
}

func TestItWaitsForTheWebhook(t *testing.T) {
	t.Parallel()
	c := inForce(Deny)
	c.asleep.Store(5)
	p, log := at(t, c, enforcing(Deny))
	_, err := p.prove(t.Context())
	require.NoError(t, err)
	require.Contains(t, log.String(), "not yet: rule no-host-path: a pod with a folder of its node was admitted; rule no-privileged: a pod with a privileged container was admitted\n")
}

func TestWhatIsNotInForceIsNamed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		enforcement string
		change      func(*city)
		want        string
		not         string
	}{
		"one rule admits": {
			Deny, func(c *city) { c.pods["privileged"] = answer{http.StatusCreated, ""} },
			"rule no-privileged: a pod with a privileged container was admitted", "no-host-path",
		},
		"another refuses": {
			Deny, func(c *city) { c.pods["privileged"] = answer{http.StatusForbidden, "[no-privileged-2] no"} },
			"rule no-privileged: a pod with a privileged container was refused, but not by this rule: [no-privileged-2] no", "no-host-path",
		},
		"nothing is allowed": {
			Deny, func(c *city) { c.pods["allowed"] = answer{http.StatusForbidden, "[battle-runtime] no"} },
			"a pod that keeps all rules was refused: [battle-runtime] no", "rule ",
		},
		"what is allowed is warned of": {
			Warn, func(c *city) { c.pods["allowed"] = answer{http.StatusCreated, "[no-host-path] hm"} },
			"a pod that keeps all rules was warned of: [no-host-path] hm", "rule ",
		},
		"no warning": {
			Warn, func(c *city) { c.pods["host-path"] = answer{http.StatusCreated, "something else"} },
			"rule no-host-path: a pod with a folder of its node was admitted without a warning", "no-privileged",
		},
		"a warning that refuses": {
			Warn, func(c *city) { c.pods["host-path"] = answer{http.StatusForbidden, "[no-host-path] no"} },
			"was refused, though the enforcement is warn", "no-privileged",
		},
		"nobody enforces": {
			DryRun, func(c *city) { c.enforced = false },
			"rule no-host-path: gatekeeper does not say that it is enforced", "admitted",
		},
		"another enforcement": {
			DryRun, func(c *city) { c.action = Deny },
			`rule no-host-path: its enforcement is "deny", not dryrun`, "admitted",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := inForce(test.enforcement)
			test.change(c)
			p, _ := at(t, c, enforcing(test.enforcement))
			err := p.round(t.Context())
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), test.not)
		})
	}
}

func TestTheProofEnds(t *testing.T) {
	t.Parallel()
	c := inForce(Deny)
	c.pods["privileged"] = answer{http.StatusCreated, ""}
	s := spec()
	s.Timeout = 5 * time.Second
	p, _ := at(t, c, s)
	_, err := p.prove(t.Context())
	require.EqualError(t, err, "the policies are not in force after 5s:\nrule no-privileged: a pod with a privileged container was admitted")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the operator wants it to"))
	_, err = p.prove(ctx)
	require.EqualError(t, err, "the operator wants it to")
}

func TestTheKubeconfigIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, kubeconfig := range []string{"s3cret", "apiVersion: v1\nkind: Config\nusers: s3cret\n"} {
		s := spec()
		s.Kubeconfig = kubeconfig
		_, err := newProver(s, io.Discard)
		require.ErrorContains(t, err, "kubeconfig: ")
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func TestReadSpec(t *testing.T) {
	t.Parallel()
	content, err := json.Marshal(spec())
	require.NoError(t, err)
	got, err := ReadSpec(bytes.NewReader(content))
	require.NoError(t, err)
	require.Equal(t, spec(), got)

	tests := map[string]struct{ content, want string }{
		"unknown":   {`{"ciyt":"x"}`, `unknown field "ciyt"`},
		"two":       {string(content) + "{}", "there is more after the first JSON document"},
		"no JSON":   {"x", "read the spec: invalid character"},
		"empty":     {"{}", "the spec is wrong:\ncity: required\nsubject: required\nkubeconfig: required\nenforcement: \"\" is none of deny, warn, dryrun\ntimeout: 0s is not more than zero\nallowed: no pod: "},
		"no rules":  {"{}", "rules: at least one is required"},
		"half rule": {`{"rules":[{"name":"x"}]}`, "rules[0].kind: required\nrules[0].what: required\nrules[0].denied: no pod: "},
		"no pod":    {`{"allowed":{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x","namespace":"y"}}}`, "allowed: no pod: a Secret of v1"},
		"no place":  {`{"allowed":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}}`, "allowed: metadata: a name and a namespace are required"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadSpec(strings.NewReader(test.content))
			require.ErrorContains(t, err, test.want)
		})
	}
}

func FuzzReadSpec(f *testing.F) {
	content, err := json.Marshal(spec())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(`{"rules":[{"denied":null}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := ReadSpec(bytes.NewReader(content))
		if err != nil {
			return
		}
		if s.Timeout <= 0 || len(s.Rules) == 0 {
			t.Fatalf("accepted %+v", s)
		}
	})
}
