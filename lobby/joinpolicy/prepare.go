package joinpolicy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/ast"
	"github.com/open-policy-agent/opa/rego"
)

// query is what the policy is asked.
const query = "data.gaming.allow"

// forbidden are the functions that a policy does not have: a join must not wait for the network, and a policy has no business with the process.
var forbidden = []string{"http.send", "net.lookup_ip_addr", "opa.runtime"}

// prepared is a policy that works.
type prepared struct {
	query    rego.PreparedEvalQuery
	revision string
}

// prepare compiles a policy and asks it about joins as they come; what it returns has decided them all.
func prepare(ctx context.Context, name, text string, timeout time.Duration) (*prepared, error) {
	module, err := ast.ParseModule(name, text)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities())
	if compiler.Compile(map[string]*ast.Module{name: module}); compiler.Failed() {
		return nil, fmt.Errorf("compile: %w", compiler.Errors)
	}
	if len(compiler.GetRulesExact(ast.MustParseRef(query))) == 0 {
		return nil, errors.New("does not define " + query)
	}
	// A function that fails makes its rule undefined, and so a join denied for no reason that anybody sees. Strict, it is an error.
	pq, err := rego.New(rego.Query(query), rego.Compiler(compiler), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	hash := sha256.Sum256([]byte(text))
	p := &prepared{query: pq, revision: hex.EncodeToString(hash[:6])}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, in := range samples() {
		if _, err := p.eval(ctx, &in); err != nil {
			return nil, fmt.Errorf("evaluate for a %s of %d players that is %s: %w", in.Action, len(in.Game.Players), in.Game.Status, err)
		}
	}
	return p, nil
}

// capabilities are what OPA has, less what is forbidden.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return slices.Contains(forbidden, b.Name) })
	return c
}

// samples are joins of all kinds. What a policy decides about them is its own affair.
func samples() []Input {
	const id = "00000000000000000000000000000001"
	var all []Input
	for _, players := range []int{0, 1, 9, 10} {
		for _, status := range []string{"waiting", "playing"} {
			in := Input{Action: ActionJoin, User: User{ID: id, Role: "player"}, Game: Game{ID: id, Status: status}}
			for i := range players {
				in.Game.Players = append(in.Game.Players, fmt.Sprintf("%032x", i+2))
			}
			all = append(all, in)
		}
	}
	return all
}

// errNotBoolean is a policy that leaves open who may join.
var errNotBoolean = errors.New(query + " is not true or false: give it a default")

// eval asks the policy.
func (p *prepared) eval(ctx context.Context, in *Input) (bool, error) {
	results, err := p.query.Eval(ctx, rego.EvalParsedInput(in.value()))
	if err != nil {
		return false, err
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return false, errNotBoolean
	}
	allowed, ok := results[0].Expressions[0].Value.(bool)
	if !ok {
		return false, errNotBoolean
	}
	return allowed, nil
}

// The names in an input, made once.
var (
	keyAction, keyUser, keyGame = ast.StringTerm("action"), ast.StringTerm("user"), ast.StringTerm("game")
	keyID, keyRole              = ast.StringTerm("id"), ast.StringTerm("role")
	keyStatus, keyPlayers       = ast.StringTerm("status"), ast.StringTerm("players")
)

// value is the input as OPA has it, which it would otherwise make by way of JSON.
func (in *Input) value() ast.Value {
	players := make([]*ast.Term, len(in.Game.Players))
	for i, p := range in.Game.Players {
		players[i] = ast.StringTerm(p)
	}
	return ast.NewObject(
		[2]*ast.Term{keyAction, ast.StringTerm(in.Action)},
		[2]*ast.Term{keyUser, ast.ObjectTerm(
			[2]*ast.Term{keyID, ast.StringTerm(in.User.ID)},
			[2]*ast.Term{keyRole, ast.StringTerm(in.User.Role)})},
		[2]*ast.Term{keyGame, ast.ObjectTerm(
			[2]*ast.Term{keyID, ast.StringTerm(in.Game.ID)},
			[2]*ast.Term{keyStatus, ast.StringTerm(in.Game.Status)},
			[2]*ast.Term{keyPlayers, ast.ArrayTerm(players...)})},
	)
}
