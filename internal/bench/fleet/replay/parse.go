package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Options say what the state itself does not.
type Options struct {
	// Cities are the cities' names. Required.
	Cities []string
	// Hosts are the names of the hosts in ssh_config, by the addresses that the update used. Required.
	Hosts map[string]string
	// Servers are the first servers of the cities, as ssh_config names them, by city. Required.
	Servers map[string]string
	// Dir is where the files that were copied begin, where the state does not name them in full. Required.
	Dir string
}

// The tokens of the resources that are commands.
const (
	commandType = "command:remote:Command"
	copyType    = "command:remote:CopyToRemote"
)

// resource is one of the state.
type resource struct {
	URN          string         `json:"urn"`
	Type         string         `json:"type"`
	Provider     string         `json:"provider"`
	Dependencies []string       `json:"dependencies"`
	Inputs       map[string]any `json:"inputs"`
}

// name is the resource's logical name.
func (r *resource) name() string { return nameOf(r.URN) }

func nameOf(urn string) string {
	parts := strings.Split(urn, "::")
	return parts[len(parts)-1]
}

// needs are the URNs that it depends on, its provider's among them.
func (r *resource) needs() []string {
	all := slices.Clone(r.Dependencies)
	if i := strings.LastIndex(r.Provider, "::"); i > 0 {
		all = append(all, r.Provider[:i])
	}
	return all
}

func (r *resource) isObject() bool { return strings.HasPrefix(r.Type, "kubernetes:") }

// awaited tells whether what comes after has to wait until the object is in order, and not only until it is there.
func (r *resource) awaited() bool {
	return r.isObject() && (r.kind() == "Deployment" || r.kind() == "Job")
}

func (r *resource) kind() string { return text(r.Inputs, "kind") }

// isStep tells whether the resource is a step of its own or, for objects, one that others wait for.
func (r *resource) isStep() bool {
	return r.Type == commandType || r.Type == copyType || r.awaited()
}

// Parse reads what `pulumi stack export --show-secrets` has printed. Kubernetes objects that wait for the same things become one step, but
// for those that others wait for.
func Parse(export []byte, o Options) ([]Step, error) {
	var e struct {
		Deployment struct {
			Resources []resource `json:"resources"`
		} `json:"deployment"`
	}
	d := json.NewDecoder(bytes.NewReader(export))
	d.UseNumber()
	if err := d.Decode(&e); err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	p := parser{options: o, steps: map[string]*Step{}, objects: map[string][]*resource{}, of: map[string]string{}, waits: map[string][]string{}}
	var errs []error
	for i := range e.Deployment.Resources {
		r := &e.Deployment.Resources[i]
		plain, err := revealed(r.Inputs)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name(), err))
			continue
		}
		r.Inputs, _ = plain.(map[string]any)
		if err := p.add(r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name(), err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	return p.finish()
}

// parser goes through the resources in the order of the state, in which each comes after those that it depends on.
type parser struct {
	options Options
	order   []string
	steps   map[string]*Step
	// objects are those of a step, by its name.
	objects map[string][]*resource
	// of is the name of the step that a resource became part of, by URN.
	of map[string]string
	// waits are the URNs of all resources with isStep before a resource, by URN, in order.
	waits map[string][]string
}

func (p *parser) add(r *resource) error {
	var after []string
	steps := map[string]bool{}
	for _, urn := range r.needs() {
		if step := p.of[urn]; step != "" {
			steps[step] = true
		}
		after = append(after, p.waits[urn]...)
	}
	slices.Sort(after)
	after = slices.Compact(after)
	for _, urn := range after {
		steps[p.of[urn]] = true
	}
	p.waits[r.URN] = after
	if r.isStep() {
		p.waits[r.URN] = append(slices.Clone(after), r.URN)
	}
	var s *Step
	var err error
	switch {
	case r.Type == commandType:
		s, err = p.command(r)
	case r.Type == copyType:
		s, err = p.copied(r)
	case r.isObject():
		s, err = p.object(r, after)
	default:
		// A component or a provider: those who depend on it depend on what it depends on.
		return nil
	}
	if err != nil {
		return err
	}
	p.of[r.URN] = s.Name
	delete(steps, s.Name)
	for step := range steps {
		if !slices.Contains(s.After, step) {
			s.After = append(s.After, step)
		}
	}
	slices.Sort(s.After)
	return nil
}

func (p *parser) city(r *resource) (string, error) {
	for _, city := range p.options.Cities {
		if strings.HasPrefix(r.name(), city+"-") {
			return city, nil
		}
	}
	return "", errors.New("belongs to none of the cities")
}

func (p *parser) remote(r *resource) (*Step, error) {
	city, err := p.city(r)
	if err != nil {
		return nil, err
	}
	connection, _ := r.Inputs["connection"].(map[string]any)
	host, ok := p.options.Hosts[text(connection, "host")]
	if !ok {
		return nil, fmt.Errorf("runs on %q, which is none of the nodes", text(connection, "host"))
	}
	if p.steps[r.name()] != nil {
		return nil, errors.New("is there twice")
	}
	s := &Step{Name: r.name(), City: city, Host: host}
	p.steps[s.Name], p.order = s, append(p.order, s.Name)
	return s, nil
}

func (p *parser) command(r *resource) (*Step, error) {
	s, err := p.remote(r)
	if err != nil {
		return nil, err
	}
	s.Script, s.Stdin = text(r.Inputs, "create"), text(r.Inputs, "stdin")
	if s.Script == "" {
		return nil, errors.New("has no command")
	}
	return s, nil
}

func (p *parser) copied(r *resource) (*Step, error) {
	s, err := p.remote(r)
	if err != nil {
		return nil, err
	}
	source, _ := r.Inputs["source"].(map[string]any)
	file := text(source, "path")
	if file == "" {
		return nil, errors.New("copies something else than a file")
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.options.Dir, file)
	}
	s.File, s.Script = file, "cat >"+text(r.Inputs, "remotePath")
	return s, nil
}

// object puts the object into the step of all those of its city that wait for the same things.
func (p *parser) object(r *resource, after []string) (*Step, error) {
	city, err := p.city(r)
	if err != nil {
		return nil, err
	}
	name := city + " objects after"
	for _, urn := range after {
		name += " " + nameOf(urn)
	}
	if r.awaited() {
		// Nothing else has to wait until it is in order.
		name = r.name()
	}
	s := p.steps[name]
	if s != nil && r.awaited() {
		return nil, errors.New("is there twice")
	}
	if s == nil {
		s = &Step{Name: name, City: city, Host: p.options.Servers[city]}
		if s.Host == "" {
			return nil, fmt.Errorf("its city %s has no server", city)
		}
		p.steps[name], p.order = s, append(p.order, name)
	}
	p.objects[name] = append(p.objects[name], r)
	return s, nil
}

// finish gives the steps of objects their scripts and short names.
func (p *parser) finish() ([]Step, error) {
	short := map[string]string{}
	count := map[string]int{}
	for _, name := range p.order {
		s := p.steps[name]
		short[name] = name
		if objects := p.objects[name]; objects != nil {
			if !objects[0].awaited() {
				count[s.City]++
				short[name] = fmt.Sprintf("%s-apply-%d", s.City, count[s.City])
			}
			var err error
			if s.Script, s.Stdin, err = apply(objects); err != nil {
				return nil, err
			}
		}
	}
	steps := make([]Step, 0, len(p.order))
	for _, name := range p.order {
		s := *p.steps[name]
		s.Name = short[name]
		for i := range s.After {
			s.After[i] = short[s.After[i]]
		}
		slices.Sort(s.After)
		steps = append(steps, s)
	}
	return steps, nil
}

// text is a string of a tree; empty where there is none.
func text(tree map[string]any, key string) string {
	s, _ := tree[key].(string)
	return s
}
