package joinpolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/lobby/joinpolicy/policy"
)

const (
	battle = "b0000000000000000000000000000001"
	player = "a0000000000000000000000000000001"
	closed = "package gaming\ndefault allow = false\n"
)

// file is a policy in a folder like a ConfigMap's: the file is a link into ..data, itself a link that is swapped.
type file struct {
	t       *testing.T
	dir     string
	version int
}

func newFile(t *testing.T, text string) *file {
	f := &file{t: t, dir: t.TempDir()}
	f.set(text)
	require.NoError(t, os.Symlink(filepath.Join("..data", "join.rego"), f.path()))
	return f
}

func (f *file) path() string { return filepath.Join(f.dir, "join.rego") }

func (f *file) set(text string) {
	f.version++
	data := fmt.Sprintf("..%d", f.version)
	require.NoError(f.t, os.Mkdir(filepath.Join(f.dir, data), 0o755))
	require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, data, "join.rego"), []byte(text), 0o644))
	require.NoError(f.t, os.Symlink(data, filepath.Join(f.dir, "..data_tmp")))
	require.NoError(f.t, os.Rename(filepath.Join(f.dir, "..data_tmp"), filepath.Join(f.dir, "..data")))
}

func open(t *testing.T, path string, w io.Writer, opts Options) *Policy {
	t.Helper()
	if opts.Every == 0 {
		opts.Every = 5 * time.Millisecond
	}
	p, err := Open(t.Context(), path, w, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func join(players int) Input {
	in := Input{Action: ActionJoin, User: User{ID: player, Role: "player"}, Game: Game{ID: battle, Status: "waiting"}}
	for i := range players {
		in.Game.Players = append(in.Game.Players, fmt.Sprintf("%032x", i))
	}
	return in
}

func TestAllow(t *testing.T) {
	t.Parallel()
	p := open(t, newFile(t, policy.Join).path(), io.Discard, Options{})
	for name, tc := range map[string]struct {
		change func(*Input)
		want   bool
	}{
		"a player":       {func(*Input) {}, true},
		"the last place": {func(in *Input) { in.Game.Players = join(9).Game.Players }, true},
		"full":           {func(in *Input) { in.Game.Players = join(10).Game.Players }, false},
		"another role":   {func(in *Input) { in.User.Role = "admin" }, false},
		"no role":        {func(in *Input) { in.User.Role = "" }, false},
		"begun":          {func(in *Input) { in.Game.Status = "playing" }, false},
		"another action": {func(in *Input) { in.Action = "leave" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := join(0)
			tc.change(&in)
			got, err := p.Allow(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
	s := p.Stats()
	require.Equal(t, [3]uint64{2, 5, 0}, [3]uint64{s.Allowed, s.Denied, s.Failed})
}

// What the lobby hands to OPA is the JSON of the documented input.
func TestInputIsItsJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(join(2))
	require.NoError(t, err)
	in := join(2)
	require.JSONEq(t, in.value().String(), string(text))
	require.JSONEq(t, `{"action":"join","user":{"id":"a0000000000000000000000000000001","role":"player"},"game":{"id":"b0000000000000000000000000000001",
		"status":"waiting","players":["00000000000000000000000000000000","00000000000000000000000000000001"]}}`, string(text))
	in = join(0)
	require.Contains(t, in.value().String(), `"players": []`) // count(null) would deny everybody the first place
}

func TestNoPolicy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"empty":               {"", "empty module"},
		"comment alone":       {"# nothing\n", "empty module"},
		"no Rego":             {"package gaming\nallow {", "parse: 1 error occurred"},
		"another package":     {"package game\ndefault allow = false", "does not define data.gaming.allow"},
		"another rule":        {"package gaming\ndefault alow = false", "does not define data.gaming.allow"},
		"unknown function":    {"package gaming\nallow { f(input) }", "compile: 1 error occurred"},
		"recursion":           {"package gaming\nallow { allow }", "rule data.gaming.allow is recursive"},
		"the network":         {`package gaming` + "\n" + `allow { http.send({"method": "get", "url": "http://a"}).status == 200 }`, "undefined function http.send"},
		"names":               {`package gaming` + "\n" + `allow { net.lookup_ip_addr("a") }`, "undefined function net.lookup_ip_addr"},
		"the environment":     {"package gaming\nallow { opa.runtime().env.TICKET_KEYS }", "undefined function opa.runtime"},
		"no default":          {"package gaming\nallow { input.game.status == \"waiting\" }", "players that is playing: data.gaming.allow is not true or false"},
		"no boolean":          {"package gaming\nallow = 1", "data.gaming.allow is not true or false"},
		"a set":               {"package gaming\nallow[x] { x := 1 }", "data.gaming.allow is not true or false"},
		"two answers":         {"package gaming\nallow = true\nallow = false", "complete rules must not produce multiple outputs"},
		"fails when asked":    {"package gaming\ndefault allow = false\nallow { to_number(input.user.id) > 0; 1 / count(input.game.players) > 0 }", "evaluate for a join of 0 players that is waiting"},
		"another version":     {"package gaming\nimport rego.v2\ndefault allow = false", "parse"},
		"larger than allowed": {"package gaming\n#" + strings.Repeat("x", maxSize), "is larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFile(t, tc.text)
			_, err := Open(t.Context(), f.path(), io.Discard, Options{})
			require.ErrorContains(t, err, "join policy "+f.path()+": ")
			require.ErrorContains(t, err, tc.want)
		})
	}
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "none.rego"), io.Discard, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestReload(t *testing.T) {
	t.Parallel()
	f := newFile(t, policy.Join)
	p := open(t, f.path(), io.Discard, Options{})
	first := p.Stats().Revision
	require.Len(t, first, 12)
	allowed := func() bool {
		ok, err := p.Allow(t.Context(), join(0))
		require.NoError(t, err)
		return ok
	}
	eventually := func(what string, cond func(Stats) bool) {
		t.Helper()
		require.Eventually(t, func() bool { return cond(p.Stats()) }, 10*time.Second, time.Millisecond, what)
	}
	require.True(t, allowed())

	f.set("package gaming\nallow {")
	eventually("a broken policy is refused", func(s Stats) bool { return s.Refused == 1 && s.Stale })
	require.True(t, allowed())
	time.Sleep(30 * time.Millisecond) // several looks at the same text
	require.Equal(t, uint64(1), p.Stats().Refused)

	require.NoError(t, os.Rename(f.path(), f.path()+".away"))
	eventually("a policy that is gone is refused", func(s Stats) bool { return s.Refused == 2 && s.Stale })
	require.True(t, allowed())
	require.NoError(t, os.Rename(f.path()+".away", f.path()))
	eventually("what came back is broken still", func(s Stats) bool { return s.Refused == 3 && s.Stale })

	f.set(closed)
	eventually("a policy that works is taken", func(s Stats) bool { return s.Reloads == 1 && !s.Stale })
	require.False(t, allowed())
	require.NotEqual(t, first, p.Stats().Revision)

	f.set(policy.Join)
	eventually("and the first again", func(s Stats) bool { return s.Reloads == 2 && s.Revision == first })
	require.True(t, allowed())

	f.set("broken")
	eventually("refused", func(s Stats) bool { return s.Stale })
	f.set(policy.Join)
	eventually("mended", func(s Stats) bool { return !s.Stale })
	require.Equal(t, uint64(2), p.Stats().Reloads)
}

func TestLastPolicyThatWorkedOutlivesARestart(t *testing.T) {
	t.Parallel()
	f := newFile(t, closed)
	opts := Options{Keep: filepath.Join(t.TempDir(), "last.rego")}
	p := open(t, f.path(), io.Discard, opts)
	revision := p.Stats().Revision
	require.NoError(t, p.Close())
	f.set("broken")
	p = open(t, f.path(), io.Discard, opts)
	s := p.Stats()
	require.Equal(t, revision, s.Revision)
	require.True(t, s.Stale)
	require.Equal(t, uint64(1), s.Refused)
	f.set(policy.Join)
	require.Eventually(t, func() bool { s := p.Stats(); return !s.Stale && s.Reloads == 1 }, 10*time.Second, time.Millisecond)
	kept, err := os.ReadFile(opts.Keep)
	require.NoError(t, err)
	require.Equal(t, policy.Join, string(kept))

	require.NoError(t, os.WriteFile(opts.Keep, []byte("broken too"), 0o600))
	f.set("broken")
	_, err = Open(t.Context(), f.path(), io.Discard, opts)
	require.ErrorContains(t, err, "parse")
}

func TestPolicyThatFails(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := open(t, newFile(t, "package gaming\ndefault allow = false\nallow { to_number(input.user.role) > 1 }\nallow { input.user.role == \"player\" }").
		path()+"x", &log, Options{Keep: newFile(t, closed).path()})
	require.Equal(t, uint64(1), p.Stats().Refused)

	// One that fails only for what no sample has.
	p = open(t, newFile(t, "package gaming\ndefault allow = false\nallow { startswith(input.user.role, \"n\"); to_number(input.user.role) > 1 }").path(), &log, Options{})
	in := join(0)
	in.User.Role = "nobody"
	ok, err := p.Allow(t.Context(), in)
	require.ErrorContains(t, err, "evaluate the join policy "+p.Stats().Revision)
	require.False(t, ok)
	require.Equal(t, uint64(1), p.Stats().Failed)
	require.NoError(t, p.Close())
	require.Contains(t, log.String(), `"result":"error"`)
}

func TestDecisionLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var results []Result
	p := open(t, newFile(t, policy.Join).path(), &log, Options{OnDecision: func(r Result, took time.Duration) {
		require.Positive(t, took)
		results = append(results, r)
	}})
	for _, in := range []Input{join(0), join(10), {Action: ActionJoin, User: User{ID: "Ann Smith", Role: "player"}, Game: Game{ID: "\"}\n", Status: "waiting"}}} {
		_, err := p.Allow(t.Context(), in)
		require.NoError(t, err)
	}
	require.Equal(t, []Result{Allowed, Denied, Allowed}, results)
	require.NoError(t, p.Close())
	require.NoError(t, p.Close())
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	require.Len(t, lines, 3)
	ids := map[string]bool{}
	for i, line := range lines {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		require.Len(t, m, 7)
		at, err := time.Parse(time.RFC3339Nano, m["time"].(string))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
		require.Equal(t, string(results[i]), m["result"])
		require.Equal(t, p.Stats().Revision, m["revision"])
		require.Positive(t, m["eval_ns"])
		require.Len(t, m["decision_id"], 32)
		ids[m["decision_id"].(string)] = true
		if i < 2 {
			require.Equal(t, battle, m["battle"])
			require.Equal(t, player, m["player"])
		} else {
			require.Empty(t, m["battle"])
			require.Empty(t, m["player"])
		}
	}
	require.Len(t, ids, 3)

	_, err := p.Allow(t.Context(), join(0))
	require.NoError(t, err)
	require.Equal(t, uint64(1), p.Stats().LogDropped)
}

// stuck is a log that nobody reads.
type stuck struct{ free chan struct{} }

func (s stuck) Write(b []byte) (int, error) { <-s.free; return len(b), nil }

func TestLogDoesNotDelayJoins(t *testing.T) {
	t.Parallel()
	w := stuck{make(chan struct{})}
	p := open(t, newFile(t, policy.Join).path(), w, Options{LogBuffer: 4})
	for range 20 {
		ok, err := p.Allow(t.Context(), join(0))
		require.NoError(t, err)
		require.True(t, ok)
	}
	dropped := p.Stats().LogDropped
	require.GreaterOrEqual(t, dropped, uint64(10)) // 4 in the queue, some with the writer
	close(w.free)
	require.NoError(t, p.Close())
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestLogThatFails(t *testing.T) {
	t.Parallel()
	p := open(t, newFile(t, policy.Join).path(), broken{}, Options{})
	_, err := p.Allow(t.Context(), join(0))
	require.NoError(t, err)
	require.EqualError(t, p.Close(), "write decision log: disk is full")
	require.Equal(t, uint64(1), p.Stats().LogDropped)
}

func TestDecisionsWhileThePolicyChanges(t *testing.T) {
	t.Parallel()
	f := newFile(t, policy.Join)
	p := open(t, f.path(), io.Discard, Options{Every: time.Millisecond})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 200 {
				_, err := p.Allow(t.Context(), join(3))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, text := range []string{closed, "broken", policy.Join, closed} {
		f.set(text)
		time.Sleep(5 * time.Millisecond)
	}
	group.Wait()
	s := p.Stats()
	require.Equal(t, uint64(800), s.Allowed+s.Denied)
}

func FuzzPolicy(f *testing.F) {
	f.Add(policy.Join)
	f.Add(closed)
	f.Add("package gaming\nallow { input.x[_] }")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := prepare(t.Context(), "join.rego", text, 100*time.Millisecond)
		if err != nil {
			return
		}
		in := join(1)
		if _, err := p.eval(t.Context(), &in); err != nil {
			t.Fatalf("a policy that was taken fails: %v", err)
		}
	})
}

func BenchmarkAllow(b *testing.B) {
	path := filepath.Join(b.TempDir(), "join.rego")
	require.NoError(b, os.WriteFile(path, []byte(policy.Join), 0o644))
	p, err := Open(b.Context(), path, io.Discard, Options{})
	require.NoError(b, err)
	defer func() { _ = p.Close() }()
	for _, players := range []int{0, 9, 10} {
		in := join(players)
		b.Run(fmt.Sprintf("players=%d", players), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := p.Allow(b.Context(), in); err != nil || ok != (players < 10) {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
