// Package gobuild provides the environment in which Go compiles our programs and those of others.
package gobuild

import "os"

// Env is this process's environment with more variables, as KEY=VALUE. Unless it says otherwise, the compiler takes memory for time: a package's compilation
// is over before its garbage is worth collecting, and takes a fifth to a quarter less of the processor so (k8s.io/api: 91 to 104 s of it, and 70 s). From the limit on it
// collects as ever.
func Env(more ...string) []string {
	env := os.Environ()
	for _, setting := range []struct{ name, value string }{{"GOGC", "400"}, {"GOMEMLIMIT", "4GiB"}} {
		if _, set := os.LookupEnv(setting.name); !set {
			env = append(env, setting.name+"="+setting.value)
		}
	}
	return append(env, more...)
}
