package k3s

import (
	_ "embed"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The installer travels as one text on stdin, settings first, so that no secret of it is ever an argument or a file of ours.
var (
	//go:embed scripts/lib.sh
	libScript string
	//go:embed scripts/check.sh
	checkScript string
	//go:embed scripts/wasm.sh
	wasmScript string
	//go:embed scripts/node.sh
	nodeScript string
	//go:embed scripts/main.sh
	mainScript string
	//go:embed scripts/image.sh
	imageScript string
)

func installer() string { return libScript + checkScript + wasmScript + nodeScript + mainScript }

// asRoot runs the script on stdin as root: by sudo where the user is another. It names its mend, for sudo's own words do not.
const asRoot = `[ "$(id -u)" = 0 ] && exec sh -s -- "$@"; ` +
	`command -v sudo >/dev/null || { echo "edge-arena: user $(id -un) is not root and there is no sudo: install sudo, or log in as root" >&2; exit 1; }; ` +
	`sudo -n true </dev/null 2>/dev/null || { echo "edge-arena: sudo asks user $(id -un) for a password: allow it without (NOPASSWD in /etc/sudoers.d), or log in as root" >&2; exit 1; }; ` +
	`exec sudo -n sh -s -- "$@"`

// commandLine is what the node's login shell is given. Whatever shell that is, a POSIX one takes over.
func commandLine(name string, args ...string) string {
	words := []string{"sh", "-c", quote(asRoot), quote(name)}
	for _, arg := range args {
		words = append(words, quote(arg))
	}
	return strings.Join(words, " ")
}

// quote makes one word of s for a shell. What needs no quotes gets none, to be read more easily.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+:,./_-=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// setting is a variable of a script.
type setting struct {
	name  string
	value pulumi.StringInput
}

// withSettings is the script with its settings before it: a secret, for one of them may be.
func withSettings(script string, settings []setting) pulumi.StringOutput {
	values := pulumi.StringArray{}
	for _, s := range settings {
		values = append(values, s.value)
	}
	text := values.ToStringArrayOutput().ApplyT(func(values []string) string {
		var b strings.Builder
		for i, s := range settings {
			b.WriteString("ARENA_" + s.name + "=" + quote(values[i]) + "\n")
		}
		return b.String() + script
	})
	return pulumi.ToSecret(text).(pulumi.StringOutput)
}
