package fleet

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"gopkg.in/yaml.v3"

	"crypto/ed25519"
	"encoding/pem"

	"github.com/edge-arena/edge-arena/internal/rollout"
	"github.com/edge-arena/edge-arena/internal/stack"
)

// fakeVariable makes this test's binary a Pulumi CLI that works on files: what the orchestrator asks of the real one is seen by what it
// is told. The suites in tests/ run the real one.
const fakeVariable = "FLEET_TEST_PULUMI"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fakeVariable); dir != "" {
		os.Exit(fakePulumi(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fakeState is what the fake keeps of a stack.
type fakeState struct {
	Cities    []string
	Protected []string
	Owed      map[string]rollout.Debt
}

func fakePulumi(dir string, args []string) int {
	file := filepath.Join(dir, "state.json")
	var s fakeState
	if content, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(content, &s); err != nil {
			return 2
		}
	}
	say := func(v any) { _ = json.NewEncoder(os.Stdout).Encode(v) }
	switch {
	case args[0] == "stack" && args[1] == "ls":
		say([]map[string]string{{"name": filepath.Base(dir)}})
	case args[0] == "stack" && args[1] == "export":
		say(map[string]any{"deployment": map[string]any{"resources": s.resources()}})
	case args[0] == "stack" && args[1] == "output":
		say(map[string]any{"owed": s.Owed})
	case args[0] == "state" && args[1] == "unprotect":
		s.Protected = slices.DeleteFunc(s.Protected, func(c string) bool { return strings.Contains(args[2], "::"+c+"-") })
	case args[0] == "up":
		return fakeUp(dir, file, s, args)
	case args[0] == "destroy":
		note(dir, "destroy")
		s = fakeState{Owed: s.Owed}
	default:
		return 2
	}
	return keep(file, s)
}

func fakeUp(dir, file string, s fakeState, args []string) int {
	run, err := rollout.FromEnv()
	if err != nil {
		return 2
	}
	wanted, err := os.ReadFile(filepath.Join(dir, "wanted"))
	if err != nil {
		return 2
	}
	line := strings.Join(args, " ")
	events, err := os.OpenFile(args[slices.Index(args, "--event-log")+1], os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 2
	}
	code := 0
	var did []string
	emit := func(kind, op, city, part string) {
		_, _ = fmt.Fprintf(events, `{"%s":{"metadata":{"op":%q,"urn":"urn:pulumi:s::p::t::%s%s"}}}`+"\n", kind, op, city, part)
	}
	for _, city := range strings.Fields(string(wanted)) {
		if strings.Contains(line, "::"+city+" ") || slices.Contains(run.LeftOut, city) {
			continue
		}
		did = append(did, city)
		emit("resourcePreEvent", "update", city, "-n-host")
		if _, err := os.Stat(filepath.Join(dir, "fail-"+city)); err == nil {
			emit("resOpFailedEvent", "update", city, "-gate-bots")
			_, _ = fmt.Fprintf(events, `{"diagnosticEvent":{"urn":"urn:pulumi:s::p::t::%s-gate-bots","severity":"error","message":"rtt_p99 missed\n"}}`+"\n", city)
			code = 255
			continue
		}
		emit("resOutputsEvent", "update", city, "-gate-bots")
		if !slices.Contains(s.Cities, city) {
			s.Cities = append(s.Cities, city)
		}
	}
	_, _ = fmt.Fprintln(events, `{"summaryEvent":{"resourceChanges":{"update":1}}}`)
	_ = events.Close()
	if code == 0 && !strings.Contains(line, "::gone ") {
		s.Cities = slices.DeleteFunc(s.Cities, func(c string) bool { return c == "gone" })
	}
	s.Owed = run.Owed
	note(dir, "up "+strings.Join(did, ","))
	if keep(file, s) != 0 {
		return 2
	}
	return code
}

type fakeResource struct {
	stack.Resource
	Outputs map[string]any `json:"outputs,omitempty"`
}

func (s fakeState) resources() []fakeResource {
	var list []fakeResource
	for _, c := range s.Cities {
		list = append(list, fakeResource{Resource: stack.Resource{URN: "urn:pulumi:s::p::edge-arena:city:City::" + c, Type: "edge-arena:city:City"}, Outputs: map[string]any{
			"summary": stack.City{K3s: "v1", Nodes: []stack.Node{{WasmEdge: "0.14.1"}}, Gate: `{"pass":true,"rtt":{"p50":4,"p99":8}}`},
		}},
			fakeResource{Resource: stack.Resource{URN: "urn:pulumi:s::p::t::" + c + "-n-host", Protect: slices.Contains(s.Protected, c)}})
	}
	return list
}

func keep(file string, s fakeState) int {
	content, err := json.Marshal(s)
	if err != nil || os.WriteFile(file, content, 0o600) != nil {
		return 2
	}
	return 0
}

func note(dir, line string) {
	f, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, _ = fmt.Fprintln(f, line)
		_ = f.Close()
	}
}

// fixture is a fleet of fake stacks, whose nodes are listeners on this machine.
type fixture struct {
	t    *testing.T
	root string
	key  ssh.PublicKey
	all  []stack.Stack
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	root := t.TempDir()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	f := &fixture{t: t, root: root, key: key}
	f.write("key", string(pem.EncodeToMemory(block)))
	f.write("battle.tar", "")
	f.write("players.json", `{"keys": [{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "`+strings.Repeat("A", 43)+`"}]}`)
	return f
}

func (f *fixture) write(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.root, name)
	require.NoError(f.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(f.t, os.WriteFile(path, []byte(content), 0o600))
}

type object = map[string]any

// region adds a region whose cities have a node each; edit changes it. A city of the name `offline…` does not answer.
func (f *fixture) region(name string, cities []string, edit func(r object)) {
	f.t.Helper()
	var list []any
	var hosts strings.Builder
	for _, city := range cities {
		address := f.host(strings.HasPrefix(city, "offline"))
		host, port, err := net.SplitHostPort(address)
		require.NoError(f.t, err)
		fmt.Fprintf(&hosts, "[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(f.key))
		list = append(list, object{"name": city, "nodes": []any{object{"name": "n", "host": host, "ssh": object{"port": json.Number(port)}}}})
	}
	r := object{
		"name": name, "ssh": object{"privateKeyFile": "key", "knownHostsFile": name + "/known_hosts", "dialTimeout": "2s", "dialAttempts": 1},
		"battle": object{"archive": "battle.tar", "portAllocator": object{"archive": "battle.tar"}}, "cities": list,
		"lobby":      object{"archive": "battle.tar", "playerKeysFile": "players.json", "issuer": "https://id.example.com"},
		"monitoring": object{"enabled": false},
	}
	if edit != nil {
		edit(r)
	}
	f.write(name+"/known_hosts", hosts.String())
	f.write(name+"/wanted", strings.Join(cities, " "))
	raw, err := json.Marshal(object{"config": object{"edge-arena:region": r}})
	require.NoError(f.t, err)
	var tree any
	require.NoError(f.t, json.Unmarshal(raw, &tree))
	content, err := yaml.Marshal(tree)
	require.NoError(f.t, err)
	f.write("stacks/Pulumi."+name+".yaml", string(content))
	f.all = append(f.all, stack.Stack{Name: name, Root: f.root, Pulumi: os.Args[0], Env: []string{fakeVariable + "=" + filepath.Join(f.root, name)}})
}

// host is a listener that greets as an SSH server does; one that is silent takes connections and says nothing.
func (f *fixture) host(silent bool) string {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = l.Close() })
	var open sync.Map
	f.t.Cleanup(func() { open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true }) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, true)
			if !silent {
				_, _ = c.Write([]byte("SSH-2.0-fake\r\n"))
			}
		}
	}()
	return l.Addr().String()
}

func (f *fixture) options() Options {
	return Options{Stacks: f.all, Dir: filepath.Join(f.root, "fleet")}
}

// calls are the runs of the engine for a region, with the cities that each was about.
func (f *fixture) calls(region string) []string {
	f.t.Helper()
	content, err := os.ReadFile(filepath.Join(f.root, region, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(f.t, err)
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}

func (f *fixture) state(region string, s fakeState) {
	f.t.Helper()
	content, err := json.Marshal(s)
	require.NoError(f.t, err)
	f.write(region+"/state.json", string(content))
}
