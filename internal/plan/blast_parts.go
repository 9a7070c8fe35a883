package plan

import (
	"fmt"
	"reflect"

	"github.com/edge-arena/edge-arena/internal/stack"
)

// podsOf is what a step of the battle pods' deployment does to them.
func podsOf(step stack.Step, counts Counts) string {
	switch step.Op {
	case "create":
		return PodsNew
	case "delete":
		return PodsGo
	case "replace":
		return PodsRoll
	}
	before, after := specOf(step.OldState), specOf(step.NewState)
	if before == nil || after == nil {
		return PodsMayRoll
	}
	// What the provider says is what differs; where it cannot say, what is wanted can be compared with what was.
	same, certain := equal(before["template"], after["template"])
	from, to := before["replicas"], after["replicas"]
	switch {
	case !same:
		return PodsRoll
	case !reflect.DeepEqual(from, to):
		return fmt.Sprintf("scale %v to %v", from, to)
	case counts.Open > 0 && !certain:
		return PodsMayRoll
	}
	return ""
}

// gateOf is what a step of the gate does. Whether it is played follows from what is known when K3s has run, where K3s runs: see settle.
func gateOf(step stack.Step) string {
	switch step.Op {
	case "delete":
		return GateIsNoMore
	case "update":
		return GateMayPlay
	}
	return GatePlays
}

func specOf(state *stack.StepState) map[string]any {
	if state == nil {
		return nil
	}
	spec, _ := state.Inputs["spec"].(map[string]any)
	return spec
}

// equal compares two values as far as they are known: certain is false where something in them is not.
func equal(a, b any) (same, certain bool) {
	if a == stack.Unknown || b == stack.Unknown {
		return true, false
	}
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false, true
		}
		certain = true
		for key, value := range x {
			other, ok := y[key]
			if !ok {
				return false, true
			}
			same, sure := equal(value, other)
			if !same {
				return false, true
			}
			certain = certain && sure
		}
		return true, certain
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false, true
		}
		certain = true
		for i := range x {
			same, sure := equal(x[i], y[i])
			if !same {
				return false, true
			}
			certain = certain && sure
		}
		return true, certain
	}
	return reflect.DeepEqual(a, b), true
}
