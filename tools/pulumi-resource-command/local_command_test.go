package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"
)

const localCommand = "command:local:Command"

func TestLocalCommandLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newPlugin(t).Resource(localCommand, "life")
	inputs := map[string]any{
		"create": `echo "$A $(cat) in $PWD"; echo oops >&2`, "update": `echo "was $PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"`,
		"delete": "echo $PULUMI_COMMAND_STDOUT > deleted", "dir": dir, "stdin": "from stdin", "environment": map[string]any{"A": "b"},
	}
	require.NoError(t, r.Create(t.Context(), props(inputs), true))
	require.True(t, r.State["stdout"].ContainsUnknowns())
	require.NoError(t, r.Create(t.Context(), props(inputs), false))
	require.Equal(t, "b from stdin in "+dir, plain(r.State["stdout"]))
	require.Equal(t, "oops", plain(r.State["stderr"]))
	inputs["stdin"] = "changed"
	require.NoError(t, r.Update(t.Context(), props(inputs), false))
	require.Equal(t, "was b from stdin in "+dir+" oops", plain(r.State["stdout"]))
	require.NoError(t, r.Delete(t.Context()))
	content, err := os.ReadFile(filepath.Join(dir, "deleted"))
	require.NoError(t, err)
	require.Equal(t, "was b from stdin in "+dir+" oops\n", string(content))
}

func TestLocalCommandInterpreter(t *testing.T) {
	t.Parallel()
	r := newPlugin(t).Resource(localCommand, "interpreter")
	require.NoError(t, r.Create(t.Context(), props(map[string]any{"create": "one two", "interpreter": []any{"printf", "<%s>"}}), false))
	require.Equal(t, "<one two>", plain(r.State["stdout"]))
}

func TestLocalCommandFails(t *testing.T) {
	t.Parallel()
	plugin := newPlugin(t)
	r := plugin.Resource(localCommand, "fails")
	err := r.Create(t.Context(), props(map[string]any{
		"create":      "echo wrong with $SECRET >&2; exit 3",
		"environment": map[string]any{"SECRET": resource.MakeSecret(resource.NewProperty("do-not-tell"))},
	}), false)
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "wrong with [secret]")
	require.Contains(t, plugin.Logs(), "wrong with [secret]")

	err = r.Create(t.Context(), props(map[string]any{"create": "true", "dir": "/does/not/exist"}), false)
	require.ErrorContains(t, err, "no such file or directory")
}

func TestLocalCommandRefusesAssets(t *testing.T) {
	t.Parallel()
	r := newPlugin(t).Resource(localCommand, "assets")
	for _, property := range []string{"assetPaths", "archivePaths"} {
		require.Equal(t, []string{
			property + ": this stand-in for the official command plugin returns no assets: install the official plugin",
		}, r.Check(props(map[string]any{"create": "true", property: []any{"*"}})))
	}
}

func TestLocalCommandCanceled(t *testing.T) {
	t.Parallel()
	plugin := newPlugin(t)
	done := make(chan error, 1)
	go func() {
		done <- plugin.Resource(localCommand, "cancel").Create(context.Background(),
			props(map[string]any{"create": "echo started; sleep 300; true"}), false)
	}()
	require.Eventually(t, func() bool { return strings.Contains(plugin.Logs(), "started") }, 10*time.Second, 10*time.Millisecond)
	began := time.Now()
	plugin.Cancel()
	require.ErrorContains(t, <-done, "context canceled")
	require.Less(t, time.Since(began), 4*time.Second, "the shell's child must have been ended, not waited for")
}
