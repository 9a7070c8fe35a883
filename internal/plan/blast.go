package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/edge-arena/edge-arena/internal/stack"
)

// Counts count resources by what happens to them. Components do not count: they are nothing but their parts.
type Counts struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
	// Open are objects in Kubernetes of which nobody can say yet: the way to their cluster is known again when K3s has run.
	Open int `json:"open"`
}

func (c *Counts) add(o Counts) {
	c.Create += o.Create
	c.Update += o.Update
	c.Replace += o.Replace
	c.Delete += o.Delete
	c.Open += o.Open
}

// Blast is what an update of a region touches.
type Blast struct {
	Counts
	// Touched are the cities that it touches, ordered by name.
	Touched []CityBlast `json:"touched,omitempty"`
	// Untouched are the others, ordered by name.
	Untouched []string `json:"untouched,omitempty"`
	// Errors are why the update would not come to its end, besides what is protected.
	Errors []string `json:"errors,omitempty"`
}

// What happens to a city.
const (
	CityNew     = "new"
	CityChanged = "changed"
	CityRemoved = "removed"
)

// What happens to a city's battle pods; it is empty where they stay as they are.
const (
	PodsNew     = "new"
	PodsRoll    = "roll"
	PodsMayRoll = "may roll"
	PodsGo      = "go"
)

// What happens at a city's gate; it is empty where it stays as it is.
const (
	GatePlays    = "plays"
	GateMayPlay  = "may play"
	GateIsNoMore = "goes"
)

// CityBlast is what an update touches of a city.
type CityBlast struct {
	Name string `json:"name"`
	// What is new, changed or removed.
	What string `json:"what"`
	Counts
	// K3s are the nodes on which the K3s installer runs, again or for the first time.
	K3s []string `json:"k3s,omitempty"`
	// Joined and Left are nodes that the city gets and loses.
	Joined []string `json:"joined,omitempty"`
	Left   []string `json:"left,omitempty"`
	// Pods is what happens to the battle pods: new, roll, may roll, go, or scale with both numbers.
	Pods string `json:"pods,omitempty"`
	// Gate is what happens at the gate: plays, may play, goes.
	Gate string `json:"gate,omitempty"`
	// Refused are nodes that would be removed but are protected: the update does not do that without consent.
	Refused []string `json:"refused,omitempty"`
}

// Type tokens in the chain of a resource's URN, and the names of a city's parts.
const (
	cityType     = "edge-arena:city:City"
	clusterType  = cityType + "$edge-arena:k3s:Cluster"
	nodeType     = clusterType + "$command:remote:Command"
	providerType = "pulumi:providers:kubernetes"

	deploymentName = "-battle-deployment"
	gateName       = "-gate-bots"
)

// Fold puts the steps of a preview together by city. cities are those of the region's config.
func Fold(digest stack.Digest, cities []string) Blast {
	var b Blast
	names := cityNames(digest, cities)
	touched := map[string]*CityBlast{}
	for _, step := range digest.Steps {
		city := cityOf(step.Name(), names)
		counts := countsOf(step)
		b.add(counts)
		if city == "" || counts == (Counts{}) {
			continue
		}
		if touched[city] == nil {
			touched[city] = &CityBlast{Name: city, What: CityChanged}
		}
		touched[city].fold(step, counts)
	}
	for _, name := range names {
		c := touched[name]
		switch {
		case c == nil:
			b.Untouched = append(b.Untouched, name)
			continue
		case !slices.Contains(cities, name):
			c.What = CityRemoved
		case c.Delete+c.Update+c.Replace+c.Open == 0 && c.isNew(digest):
			c.What = CityNew
		}
		c.settle()
		b.Touched = append(b.Touched, *c)
	}
	b.Errors = errorsOf(digest)
	return b
}

// isNew tells whether the city itself is made: its component is among what is created.
func (c *CityBlast) isNew(digest stack.Digest) bool {
	return slices.ContainsFunc(digest.Steps, func(s stack.Step) bool {
		return s.Op == "create" && s.Type() == cityType && s.Name() == c.Name
	})
}

// fold adds a step.
func (c *CityBlast) fold(step stack.Step, counts Counts) {
	c.add(counts)
	name := strings.TrimPrefix(step.Name(), c.Name)
	switch {
	case step.Type() == nodeType:
		c.foldNode(step, strings.TrimPrefix(name, "-"))
	case name == deploymentName:
		c.Pods = podsOf(step, counts)
	case name == gateName:
		c.Gate = gateOf(step)
	}
}

func (c *CityBlast) foldNode(step stack.Step, name string) {
	dash := strings.LastIndex(name, "-")
	if dash < 0 {
		return
	}
	node, part := name[:dash], name[dash+1:]
	switch {
	case part == "k3s" && step.Op != "delete":
		c.K3s = append(c.K3s, node)
	case part == "host" && step.Op == "create":
		c.Joined = append(c.Joined, node)
	case part == "host" && step.Op == "delete":
		c.Left = append(c.Left, node)
	}
	if part == "host" && (step.Op == "delete" || step.Op == "replace") && step.OldState != nil && step.OldState.Protect {
		c.Refused = append(c.Refused, node)
	}
}

// settle orders the lists, and tells what depends on several steps.
func (c *CityBlast) settle() {
	for _, list := range [][]string{c.K3s, c.Joined, c.Left, c.Refused} {
		slices.Sort(list)
	}
	if c.Gate == GateMayPlay && (c.Open == 0 || (c.Pods != "" && c.Pods != PodsMayRoll)) {
		// What is played at is another city for sure.
		c.Gate = GatePlays
	}
}

// countsOf is what happens in a step. Steps of other kinds, such as same, change nothing.
func countsOf(step stack.Step) Counts {
	state := step.NewState
	if state == nil {
		state = step.OldState
	}
	// A provider is a process of the engine's own, not a part of the city.
	if state == nil || !state.Custom || strings.Contains(step.Type(), providerType) {
		return Counts{}
	}
	switch step.Op {
	case "create":
		return Counts{Create: 1}
	case "update":
		if len(step.DiffReasons) == 0 && strings.Contains(step.Type(), "kubernetes:") {
			return Counts{Open: 1}
		}
		return Counts{Update: 1}
	case "replace":
		return Counts{Replace: 1}
	case "delete":
		return Counts{Delete: 1}
	}
	return Counts{}
}

// cityNames are the cities of the config and those that the steps tell of, ordered by name.
func cityNames(digest stack.Digest, cities []string) []string {
	names := map[string]bool{}
	for _, name := range cities {
		names[name] = true
	}
	for _, s := range digest.Steps {
		switch s.Type() {
		case cityType, clusterType:
			names[s.Name()] = true
		case nodeType:
			// Of a city that goes, but may not, no more than its parts may be told of. Their parent bears the city's name.
			names[s.ParentName()] = true
		}
	}
	delete(names, "")
	return slices.Sorted(maps.Keys(names))
}

// cityOf is the city that a resource belongs to: the names of its parts begin with its own. Empty is none.
func cityOf(resource string, names []string) string {
	found := ""
	for _, name := range names {
		if (resource == name || strings.HasPrefix(resource, name+"-")) && len(name) > len(found) {
			found = name
		}
	}
	return found
}

// errorsOf are the digest's errors, but for the ones that are told of in another way.
func errorsOf(digest stack.Digest) []string {
	var list []string
	for _, e := range digest.Errors() {
		message := strings.TrimSpace(strings.TrimPrefix(e.Message, "error: "))
		switch {
		case message == "preview failed" || strings.Contains(message, "because it is protected"):
			continue
		case e.URN != "":
			message = stack.Step{URN: e.URN}.Name() + ": " + message
		}
		if !slices.Contains(list, message) {
			list = append(list, message)
		}
	}
	if len(list) == 0 && len(digest.Errors()) > 0 && !slices.ContainsFunc(digest.Errors(), func(d stack.Diagnostic) bool {
		return strings.Contains(d.Message, "because it is protected")
	}) {
		list = append(list, "preview failed")
	}
	return list
}
