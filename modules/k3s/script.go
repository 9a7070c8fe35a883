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
	//go:embed scripts/launch.sh
	launchScript string
	//go:embed scripts/image.sh
	imageScript string
)

// asRoot wraps a script so that root runs it: through sudo where the login user is another.
func asRoot(script string) string {
	return "script() {\n\tcat <<'EDGE_ARENA_END'\n" + script + launchScript
}

func installer() string { return libScript + checkScript + wasmScript + nodeScript + mainScript }

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
		return asRoot(b.String() + script)
	})
	return pulumi.ToSecret(text).(pulumi.StringOutput)
}
