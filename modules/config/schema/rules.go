package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/edge-arena/edge-arena/modules/config"
)

// leaf is the schema of a type that is not what Go makes of it: a duration is a string, and some strings are of few.
func leaf(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, Examples: []any{"10ms", "15s", "1m30s"}}
	case reflect.TypeFor[config.Role]():
		return oneOf(config.RoleServer, config.RoleAgent)
	case reflect.TypeFor[config.Engine]():
		return oneOf(config.EngineCrun, config.EngineShim)
	case reflect.TypeFor[config.Enforcement]():
		return oneOf(config.EnforceDeny, config.EnforceWarn, config.EnforceDryRun)
	case reflect.TypeFor[config.Offline]():
		return oneOf(config.OfflineFail, config.OfflineSkip)
	}
	return nil
}

func oneOf(values ...any) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: values}
}

// rule narrows a property to what validation accepts.
type rule func(p *jsonschema.Schema)

// rules are those that can be told of one property alone, by definition and property. A test holds them against validation.
var rules = map[string]rule{
	"Region.name":            label,
	"Region.cities":          notEmpty,
	"City.name":              label,
	"City.nodes":             notEmpty,
	"Node.name":              label,
	"Node.host":              pattern(`.`),
	"Wave.name":              label,
	"Wave.percent":           between("1", "100"),
	"Location.latitude":      between("-90", "90"),
	"Location.longitude":     between("-180", "180"),
	"Size.cpu":               quantity,
	"Size.memory":            quantity,
	"Quantities.cpu":         quantity,
	"Quantities.memory":      quantity,
	"SSH.port":               between("0", "65535"),
	"SSH.dialAttempts":       atLeast("1"),
	"K3s.version":            pattern(`^v1\.\d+\.\d+\+k3s\d+$`),
	"Wasm.version":           pattern(`^\d+\.\d+\.\d+$`),
	"Shim.sha256":            pattern(`^[0-9a-f]{64}$`),
	"Policies.maxPlayers":    between("1", "10"),
	"Policies.minTickRate":   between("1", "1000"),
	"Prices.currency":        pattern(`^[A-Z]{3}$`),
	"Prices.nodeMonth":       atLeast("0"),
	"Battle.namespace":       label,
	"Battle.replicas":        atLeast("1"),
	"Battle.maxPlayers":      between("1", "10"),
	"Battle.tickRate":        between("1", "1000"),
	"Battle.image":           digest,
	"Source.image":           digest,
	"Upstream.image":         named,
	"Messaging.image":        named,
	"Messaging.storage":      quantity,
	"Prometheus.image":       named,
	"Loki.image":             named,
	"Alertmanager.image":     named,
	"Grafana.image":          named,
	"Hub.nodePort":           between("30000", "32767"),
	"Retention.size":         quantity,
	"Leaf.url":               pattern(`^(tls|wss)://`),
	"Credentials.generation": between("1", "255"),
	"Lobby.image":            digest,
	"Lobby.nodePort":         between("30000", "32767"),
	"Lobby.joinRate":         rate,
	"Lobby.addressRate":      rate,
	"Backups.keep":           atLeast("1"),
	"Ports.first":            between("1", "65535"),
	"Ports.last":             between("1", "65535"),
	"SLO.tickRate":           between("0", "1000"),
	"SLO.botsPerPod":         between("0", "10"),
	"Gate.attempts":          atLeast("1"),
}

var (
	label  = pattern(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	rate   = pattern(`^[1-9][0-9]{0,6}/([1-9][0-9]{0,4})?(ms|s|m|h)$`)
	named  = pattern(`^[a-z0-9][a-zA-Z0-9._/-]*(:[0-9]+/[a-zA-Z0-9._/-]+)?(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*|@sha256:[0-9a-f]{64})$`)
	digest = pattern(`^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$`)
)

func pattern(expression string) rule {
	return func(p *jsonschema.Schema) { p.Pattern = expression }
}

func atLeast(low json.Number) rule {
	return func(p *jsonschema.Schema) { p.Minimum = low }
}

func between(low, high json.Number) rule {
	return func(p *jsonschema.Schema) { p.Minimum, p.Maximum = low, high }
}

func notEmpty(p *jsonschema.Schema) {
	one := uint64(1)
	p.MinItems = &one
}

// quantity is an amount in Kubernetes' notation, which YAML may take for a number.
func quantity(p *jsonschema.Schema) {
	p.Type, p.Extras = "", map[string]any{"type": []string{"string", "number"}}
	p.Pattern = `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$`
	p.ExclusiveMinimum = "0"
}

// bound applies the rules to a definition.
func bound(name string, def *jsonschema.Schema) error {
	for p := def.Properties.Oldest(); p != nil; p = p.Next() {
		if p.Value.Ref != "" && rules[name+"."+p.Key] != nil {
			return fmt.Errorf("the rule of %s.%s would not reach its definition, %s", name, p.Key, p.Value.Ref)
		}
		if narrow := rules[name+"."+p.Key]; narrow != nil {
			narrow(p.Value)
		}
	}
	return nil
}

// checkBounds refuses a rule of a property that is no more.
func checkBounds(defs jsonschema.Definitions) error {
	for _, at := range slices.Sorted(maps.Keys(rules)) {
		name, property, _ := strings.Cut(at, ".")
		def, ok := defs[name]
		if ok {
			_, ok = def.Properties.Get(property)
		}
		if !ok {
			return fmt.Errorf("there is a rule of %s, but no such property: mend the table of rules", at)
		}
	}
	return nil
}

// setDefaults writes the values of a struct, those that are not empty, into its definition and the ones below. Types that several
// settings share with defaults of their own have them beside the reference.
func setDefaults(defs jsonschema.Definitions, def *jsonschema.Schema, value reflect.Value) {
	for i := range value.NumField() {
		field, v := value.Type().Field(i), value.Field(i)
		tag := field.Tag.Get("mapstructure")
		if tag == ",squash" {
			setDefaults(defs, def, v)
			continue
		}
		property, ok := def.Properties.Get(tag)
		if !ok || v.IsZero() && v.Kind() != reflect.Bool {
			continue
		}
		switch value := v.Interface().(type) {
		case config.Quantities:
			property.Default = map[string]any{"cpu": value.CPU, "memory": value.Memory}
		case config.Ports:
			property.Default = map[string]any{"first": value.First, "last": value.Last}
		case time.Duration:
			property.Default = short(value)
		default:
			if v.Kind() == reflect.Struct {
				setDefaults(defs, defs[v.Type().Name()], v)
			} else {
				property.Default = value
			}
		}
	}
}

// short writes a duration without its empty parts: 5m rather than 5m0s.
func short(d time.Duration) string {
	text := d.String()
	for _, empty := range []struct{ after, part string }{{"m", "0s"}, {"h", "0m"}} {
		if strings.HasSuffix(text, empty.after+empty.part) {
			text = strings.TrimSuffix(text, empty.part)
		}
	}
	return text
}
