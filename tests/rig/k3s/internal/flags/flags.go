// Package flags writes the command lines of Kubernetes components.
package flags

import (
	"sort"
	"strings"
)

// Merge is the command line of our settings and of the user's arguments ("name=value"; "name" for a switch). The user's come last
// and win; where one is given several times all are kept, for flags that add up.
func Merge(ours map[string]string, theirs []string) []string {
	set := map[string]bool{}
	var extra []string
	for _, arg := range theirs {
		arg = strings.TrimLeft(arg, "-")
		name, _, _ := strings.Cut(arg, "=")
		set[name] = true
		extra = append(extra, "--"+arg)
	}
	args := make([]string, 0, len(ours)+len(extra))
	for name, value := range ours {
		if !set[name] {
			args = append(args, "--"+name+"="+value)
		}
	}
	sort.Strings(args)
	return append(args, extra...)
}
