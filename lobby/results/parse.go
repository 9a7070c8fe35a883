package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// The bounds of a result. They keep out what no battle server says, and nothing that one could: a result that is refused is lost.
const (
	maxPayload  = 64 << 10 // one of 40 players has 3 KB
	maxPod      = 253      // of a Kubernetes object's name
	maxTime     = 7_258_118_400_000
	maxTicks    = math.MaxInt32
	maxTickRate = 1000
	maxPoints   = math.MaxInt32
)

// Parse reads a result. Fields that it does not know are those of a newer battle server, and left out. Identities are returned in lower case.
//
// EndedAt may come before StartedAt: a pod whose clock was put right during a battle is believed about the battle.
func Parse(payload []byte) (report.Result, error) {
	if len(payload) > maxPayload {
		return report.Result{}, fmt.Errorf("has %d bytes, more than %d", len(payload), maxPayload)
	}
	var r report.Result
	if err := json.Unmarshal(payload, &r); err != nil {
		return report.Result{}, fmt.Errorf("is not the JSON of a result: %w", err)
	}
	if err := checkResult(&r); err != nil {
		return report.Result{}, err
	}
	return r, nil
}

// checkResult reports the first thing that is wrong.
func checkResult(r *report.Result) error {
	if err := identity(&r.Battle); err != nil {
		return fmt.Errorf("battle: %w", err)
	}
	if r.Battle == (ticket.ID{}).String() {
		return errors.New("battle: is that of bots that measure")
	}
	if !isName(r.Pod) {
		return errors.New("pod: must be a name of lower-case letters, digits, dots and hyphens")
	}
	if _, err := strconv.ParseUint(r.Run, 16, 64); err != nil || len(r.Run) != 16 {
		return errors.New("run: must be 16 hexadecimal digits")
	}
	switch r.Outcome {
	case report.Finished, report.Abandoned, report.Drained:
	default:
		return errors.New("outcome: must be finished, abandoned or drained")
	}
	for _, n := range []struct {
		name             string
		value, low, high int64
	}{
		{"room", int64(r.Room), 0, ticket.AnyRoom - 1},
		{"startedAt", r.StartedAt, 1, maxTime},
		{"endedAt", r.EndedAt, 1, maxTime},
		{"ticks", int64(r.Ticks), 0, maxTicks},
		{"tickRate", int64(r.TickRate), 1, maxTickRate},
	} {
		if n.value < n.low || n.value > n.high {
			return fmt.Errorf("%s: must be %d to %d, not %d", n.name, n.low, n.high, n.value)
		}
	}
	if len(r.Players) > report.MaxPlayers {
		return fmt.Errorf("players: are %d, more than %d", len(r.Players), report.MaxPlayers)
	}
	for i := range r.Players {
		p := &r.Players[i]
		if err := identity(&p.Player); err != nil {
			return fmt.Errorf("players[%d].player: %w", i, err)
		}
		if p.Points < -maxPoints || p.Points > maxPoints {
			return fmt.Errorf("players[%d].points: must be %d to %d, not %d", i, -maxPoints, maxPoints, p.Points)
		}
	}
	return nil
}

// identity checks an identity, and writes it as [ticket.ID.String] does.
func identity(s *string) error {
	id, err := ticket.ParseID(*s)
	if err != nil {
		return err
	}
	*s = id.String()
	return nil
}

// isName says whether s may be the name of a pod.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= maxPod
}
