package drift

import "github.com/edge-arena/edge-arena/internal/stack"

// commandType is the type token of the resources that install nodes.
const commandType = "command:remote:Command"

// Replacements are flags of `pulumi up` that have it run the installers of the drifted nodes again, as far as the stack's state has
// them; a node that it has not is new, and `pulumi up` installs it anyway. To replace such a command is to run it: it has no command for
// its deletion, and nothing else is replaced with it. The installer mends the node in place.
func Replacements(state stack.State, reports []NodeReport) []string {
	drifted := map[string]bool{}
	for _, r := range Drifted(reports) {
		drifted[r.Resource()] = true
	}
	var flags []string
	for _, r := range state.Resources {
		if r.Type == commandType && !r.Delete && drifted[r.Name()] {
			flags = append(flags, "--replace", r.URN)
		}
	}
	return flags
}
