// Package policy is the city's join policy, as the ConfigMap ships it and the lobby evaluates it.
package policy

import _ "embed"

// Join is the policy `package gaming` in the Rego of OPA 0.60.
//
//go:embed join.rego
var Join string
