package k3s

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
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
	//go:embed scripts/light.sh
	lightScript string
	//go:embed scripts/interpret.sh
	interpretScript string
	//go:embed scripts/drift.sh
	driftScript string
	//go:embed scripts/node.sh
	nodeScript string
	//go:embed scripts/main.sh
	mainScript string
	//go:embed scripts/launch.sh
	launchScript string
	//go:embed scripts/image.sh
	imageScript string
)

// asRoot wraps a script so that root runs it: through sudo where the login user is another.
func asRoot(script string) string {
	return "script() {\n\tcat <<'EDGE_ARENA_END'\n" + script + launchScript
}

func installer() string {
	return libScript + checkScript + interpretScript + wasmScript + lightScript + driftScript + nodeScript + mainScript
}

// InstallerHash tells one installer from another.
func InstallerHash() string {
	sum := sha256.Sum256([]byte(installer()))
	return hex.EncodeToString(sum[:])
}

// commandLine is what the node's login shell is given. Whatever shell that is, a POSIX one takes over and reads the script.
func commandLine(args ...string) string {
	words := []string{"sh", "-s", "--"}
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

// Script is a script of another module, for root on a node: the text for the stdin of a remote command whose command line is one of
// [ScriptLine]'s. It ends with the call of a function that is given "$@", and has its input from nowhere.
func Script(script string) pulumi.StringOutput { return secretText(withSettings(script, nil)) }

// ScriptLine is the command line that gives a [Script] its arguments. None of them is a secret: they are shown.
func ScriptLine(args ...string) pulumi.String { return pulumi.String(commandLine(args...)) }

// RootCommand is a script for root on a node as a plain command: the command line, with the script's arguments, and the text for its stdin. The
// script has no other stdin than that.
func RootCommand(script string, args ...string) (command, stdin string) {
	return commandLine(args...), asRoot(script)
}

// setting is a variable of a script.
type setting struct{ name, value string }

// withSettings is the script with its settings before it.
func withSettings(script string, settings []setting) string {
	var b strings.Builder
	for _, s := range settings {
		b.WriteString("ARENA_" + s.name + "=" + quote(s.value) + "\n")
	}
	return asRoot(b.String() + script)
}

// secretText is for what may hold a secret, and for what is too long to be shown.
func secretText(text string) pulumi.StringOutput {
	return pulumi.ToSecret(pulumi.String(text)).(pulumi.StringOutput)
}
