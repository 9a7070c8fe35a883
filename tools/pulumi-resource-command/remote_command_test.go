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

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/sshtest"
)

const remoteCommand = "command:remote:Command"

func TestRemoteCommandLife(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{AcceptEnv: true})
	plugin := newPlugin(t)
	file := filepath.Join(t.TempDir(), "deleted")
	r := plugin.Resource(remoteCommand, "life")

	inputs := map[string]any{
		"create": `echo "created $GREETING, was '$PULUMI_COMMAND_STDOUT'"; echo oops >&2`,
		"update": `echo "updated, was '$PULUMI_COMMAND_STDOUT' '$PULUMI_COMMAND_STDERR'"`,
		"delete": `echo "deleted, was '$PULUMI_COMMAND_STDOUT'" > ` + file, "environment": map[string]any{"GREETING": "hello"},
		"triggers": []any{"a"},
	}
	require.NoError(t, r.Create(t.Context(), remoteInputs(server, inputs), false))
	require.Equal(t, "created hello, was ''", plain(r.State["stdout"]))
	require.Equal(t, "oops", plain(r.State["stderr"]))
	require.True(t, r.State["connection"].IsSecret(), "the connection must stay secret in the state")
	require.True(t, strings.HasPrefix(r.ID, "life"), r.ID)

	changes, replaces := r.Diff(remoteInputs(server, inputs))
	require.Empty(t, changes)
	require.Empty(t, replaces)

	inputs["environment"] = map[string]any{"GREETING": "bye"}
	changes, replaces = r.Diff(remoteInputs(server, inputs))
	require.Equal(t, []string{"environment.GREETING"}, changes)
	require.Empty(t, replaces)
	require.NoError(t, r.Update(t.Context(), remoteInputs(server, inputs), false))
	require.Equal(t, "updated, was 'created hello, was ''' 'oops'", plain(r.State["stdout"]))
	require.Empty(t, plain(r.State["stderr"]))

	inputs["triggers"] = []any{"b"}
	changes, _ = r.Diff(remoteInputs(server, inputs))
	require.Equal(t, []string{"triggers[0]"}, changes, "it is the SDK that asks the engine to replace on this change")

	require.NoError(t, r.Delete(t.Context()))
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(content), "deleted, was 'updated, was")
}

func TestRemoteCommandUpdateRunsCreateAgain(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{AcceptEnv: true})
	r := newPlugin(t).Resource(remoteCommand, "again")
	require.NoError(t, r.Create(t.Context(), remoteInputs(server, map[string]any{"create": "echo 1"}), false))
	require.NoError(t, r.Update(t.Context(), remoteInputs(server, map[string]any{
		"create": `echo "2$PULUMI_COMMAND_STDOUT"`, "addPreviousOutputInEnv": false,
	}), false))
	require.Equal(t, "2", plain(r.State["stdout"]))
	require.NoError(t, r.Delete(t.Context()), "without a delete command there is nothing to do")
}

func TestRemoteCommandStdin(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	r := newPlugin(t).Resource(remoteCommand, "stdin")
	stdin := strings.Repeat("a line of input\n", 20_000)
	require.NoError(t, r.Create(t.Context(), remoteInputs(server, map[string]any{"create": "cat", "stdin": stdin}), false))
	require.Equal(t, strings.TrimSuffix(stdin, "\n"), plain(r.State["stdout"]))
}

func TestRemoteCommandPreviewRunsNothing(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	r := newPlugin(t).Resource(remoteCommand, "preview")
	unknown := resource.MakeComputed(resource.NewProperty(""))
	tests := map[string]resource.PropertyMap{
		"all known":          remoteInputs(server, map[string]any{"create": "echo hi"}),
		"unknown command":    remoteInputs(server, map[string]any{"create": unknown}),
		"unknown trigger":    remoteInputs(server, map[string]any{"create": "echo hi", "triggers": []any{unknown}}),
		"unknown connection": remoteInputs(server, map[string]any{"create": "echo hi", "connection": unknown}),
		"unknown host":       remoteInputs(server, map[string]any{"create": "echo hi", "connection": map[string]any{"host": unknown}}),
	}
	for name, inputs := range tests {
		require.NoError(t, r.Create(t.Context(), inputs, true), name)
		stdout := r.State["stdout"]
		require.True(t, stdout.ContainsUnknowns(), "%s: %v", name, stdout)
	}
	require.Zero(t, server.Dials())
}

func TestRemoteCommandFails(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	r := newPlugin(t).Resource(remoteCommand, "fails")
	err := r.Create(t.Context(), remoteInputs(server, map[string]any{"create": "echo before; echo what is wrong >&2; exit 3"}), false)
	require.ErrorContains(t, err, "exited with status 3")
	require.ErrorContains(t, err, "what is wrong")
	require.ErrorContains(t, err, "before")
	require.ErrorContains(t, err, `running "echo before;`)
}

func TestRemoteCommandEnvironmentRefused(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{AcceptEnv: false})
	plugin := newPlugin(t)
	r := plugin.Resource(remoteCommand, "env")
	inputs := map[string]any{"create": "echo hi", "environment": map[string]any{"A": "b"}}
	err := r.Create(t.Context(), remoteInputs(server, inputs), false)
	require.ErrorContains(t, err, `could not set environment variable "A": ssh: setenv failed`)
	require.Contains(t, plugin.Logs(), "This only works if your SSH server is configured to accept these variables via AcceptEnv")

	// The output of the command before is a convenience: without it the command runs all the same.
	require.NoError(t, r.Create(t.Context(), remoteInputs(server, map[string]any{"create": "echo hi"}), false))
	require.NoError(t, r.Update(t.Context(), remoteInputs(server, map[string]any{"create": "echo ho"}), false))
	require.Equal(t, "ho", plain(r.State["stdout"]))
	require.Contains(t, plugin.Logs(), "Unable to set 'PULUMI_COMMAND_STDOUT'")
}

func TestRemoteCommandLogging(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	tests := map[string]struct {
		logging        any
		stdout, stderr bool
	}{
		"default":         {nil, true, true},
		"stdout":          {"stdout", true, false},
		"stderr":          {"stderr", false, true},
		"stdoutAndStderr": {"stdoutAndStderr", true, true},
		"none":            {"none", false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugin := newPlugin(t)
			r := plugin.Resource(remoteCommand, "logging")
			inputs := map[string]any{"create": "echo on-out; echo on-err >&2; printf unfinished"}
			if tt.logging != nil {
				inputs["logging"] = tt.logging
			}
			require.NoError(t, r.Create(t.Context(), remoteInputs(server, inputs), false))
			require.Equal(t, tt.stdout, strings.Contains(plugin.Logs(), "on-out"))
			require.Equal(t, tt.stdout, strings.Contains(plugin.Logs(), "unfinished"))
			require.Equal(t, tt.stderr, strings.Contains(plugin.Logs(), "on-err"))
			require.Equal(t, "on-out\nunfinished", plain(r.State["stdout"]))

			inputs["create"] = "echo on-out; echo on-err >&2; exit 1"
			err := r.Create(t.Context(), remoteInputs(server, inputs), false)
			require.ErrorContains(t, err, "on-err", "an error without stderr would tell nothing")
			require.Equal(t, tt.stdout, strings.Contains(err.Error(), "\non-out"))
		})
	}
}

func TestRemoteCommandTellsNoSecret(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{AcceptEnv: true})
	plugin := newPlugin(t)
	r := plugin.Resource(remoteCommand, "secret")
	secret := func(s string) resource.PropertyValue { return resource.MakeSecret(resource.NewProperty(s)) }
	inputs := remoteInputs(server, map[string]any{
		"create":      secret("echo token-in-command; cat; echo $VALUE >&2; echo the password is " + server.Password + "; exit 1"),
		"stdin":       secret("first-secret-line\nsecond-secret-line\n"),
		"environment": map[string]any{"VALUE": secret("secret-in-env")},
		"connection":  connection(server, map[string]any{"password": server.Password}),
	})
	err := r.Create(t.Context(), inputs, false)
	require.ErrorContains(t, err, "exited with status 1")
	for _, told := range []string{plugin.Logs(), err.Error()} {
		require.Contains(t, told, "[secret]")
		require.Contains(t, told, "the password is [secret]")
		for _, s := range []string{"first-secret-line", "second-secret-line", "secret-in-env", server.Password, server.ClientKey} {
			require.NotContains(t, told, s)
		}
	}
	require.NotContains(t, err.Error(), "echo token-in-command", "a secret command must not be shown")
	require.Contains(t, err.Error(), `running "[secret]"`)
}

func TestRemoteCommandCanceled(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	plugin := newPlugin(t)
	r := plugin.Resource(remoteCommand, "cancel")
	file := filepath.Join(t.TempDir(), "ended")
	done := make(chan error, 1)
	go func() {
		// The sleep is a child of the shell: it has to go too.
		done <- r.Create(context.Background(), remoteInputs(server, map[string]any{
			"create": "trap 'echo yes > " + file + "; exit 1' TERM; echo started; sleep 300 & wait; exit 0",
		}), false)
	}()
	require.Eventually(t, func() bool { return strings.Contains(plugin.Logs(), "started") }, 10*time.Second, 10*time.Millisecond)
	plugin.Cancel()
	select {
	case err := <-done:
		require.ErrorContains(t, err, "context canceled")
	case <-time.After(20 * time.Second):
		require.Fail(t, "the command was not ended")
	}
	require.FileExists(t, file)
}
