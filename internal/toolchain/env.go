package toolchain

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// localPassphrase protects nothing: it lets everyone open the config of the local city, which lives on one machine and only as
	// long as its state does. The salt in stacks/Pulumi.local.yaml is made with it. A real region has a passphrase of its own, or a
	// key service.
	localPassphrase = "edge-arena-local"
	// parallel is how many resources are worked on at once. Most of them wait for a remote host. Pulumi's own default, four for
	// each core of this machine, would make an update behave differently on each operator's machine.
	parallel = "16"
)

// Env lists the variables that Pulumi needs to work with this toolchain, as KEY=VALUE in order. They add to the caller's
// environment. What the user has set himself of passphrase and parallelism is left to him.
func (t *Toolchain) Env() []string {
	env := map[string]string{
		"PATH":               pathWith(filepath.Dir(t.Pulumi()), os.Getenv("PATH")),
		"PULUMI_BACKEND_URL": "file://" + stateDir(t.root),
		"PULUMI_HOME":        homeDir(t.root),
		// Everything that is needed is there. Something else on PATH or a download would not be what was tested.
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
		"PULUMI_IGNORE_AMBIENT_PLUGINS":               "true",
		"PULUMI_SKIP_UPDATE_CHECK":                    "true",
	}
	if os.Getenv("PULUMI_CONFIG_PASSPHRASE") == "" && os.Getenv("PULUMI_CONFIG_PASSPHRASE_FILE") == "" {
		env["PULUMI_CONFIG_PASSPHRASE"] = localPassphrase
	}
	if os.Getenv("PULUMI_PARALLEL") == "" {
		env["PULUMI_PARALLEL"] = parallel
	}
	list := make([]string, 0, len(env))
	for _, key := range slices.Sorted(maps.Keys(env)) {
		list = append(list, key+"="+env[key])
	}
	return list
}

// Exports lists Env as commands for a POSIX shell.
func (t *Toolchain) Exports() []string {
	env := t.Env()
	for i, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		env[i] = fmt.Sprintf("export %s=%s", key, quote(value))
	}
	return env
}

// quote makes one word of s for a POSIX shell. Within single quotes only the single quote itself needs care.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// pathWith puts dir first in a PATH, and only there.
func pathWith(dir, path string) string {
	dirs := []string{dir}
	for _, d := range filepath.SplitList(path) {
		if d != dir {
			dirs = append(dirs, d)
		}
	}
	return strings.Join(dirs, string(filepath.ListSeparator))
}
