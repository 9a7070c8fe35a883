package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/config/schema"
)

const root = "../../.."

// validator compiles the schema as it is generated now.
func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := schema.Generate()
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("region.schema.json", document))
	compiled, err := compiler.Compile("region.schema.json")
	require.NoError(t, err)
	return compiled
}

// validate holds a stack file against the schema, and parseRegion against the program.
func validate(t *testing.T, s *jsonschema.Schema, file []byte) error {
	t.Helper()
	var tree any
	require.NoError(t, yaml.Unmarshal(file, &tree))
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return s.Validate(document)
}

func parseRegion(t *testing.T, file []byte) error {
	t.Helper()
	var stack struct {
		Config map[string]any `yaml:"config"`
	}
	require.NoError(t, yaml.Unmarshal(file, &stack))
	raw, err := json.Marshal(stack.Config["edge-arena:"+config.Key])
	require.NoError(t, err)
	_, err = config.ParseWithoutFiles(raw)
	return err
}

func TestTheSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := schema.Generate()
	require.NoError(t, err)
	have, err := os.ReadFile(filepath.Join(root, schema.Path))
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "%s is not what modules/config says: run `%s`", schema.Path, schema.Command)
	again, err := schema.Generate()
	require.NoError(t, err)
	require.Equal(t, string(want), string(again), "it is the same each time")
}

func TestEveryStackFileNamesTheSchemaAndKeepsToIt(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "stacks", "Pulumi.*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	s := validator(t)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(content), "\n")
		require.Equal(t, schema.Line, first, "the first line of %s", file)
		require.NoError(t, validate(t, s, content), file)
	}
}

func TestTheExampleInTheReadmeIsRight(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(content), "## A city of your own")
	require.True(t, ok, "README.md has no section `A city of your own`")
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(section)
	require.NotNil(t, block, "the section has no block of YAML")
	// What the reader has to fill in.
	example := []byte(strings.ReplaceAll(block[1], "sha256:…", "sha256:"+strings.Repeat("0a", 32)))
	require.NoError(t, parseRegion(t, example))
	require.NoError(t, validate(t, validator(t), example))
}

// example is a stack file with room for a mistake in the region, the battle, the city and the node.
const example = `
config:
  edge-arena:region:
    name: east
    battle:
      archive: battle.tar
      portAllocator: {archive: ports.tar}
    lobby:
      archive: lobby.tar
      playerKeysFile: players.json
      issuer: https://id.example.com
    cities:
      - name: shanghai
        nodes:
          - name: shanghai-1
            host: 192.0.2.1
`

// put replaces a line of the example, or adds one before it.
func put(t *testing.T, line, by string) []byte {
	t.Helper()
	require.Contains(t, example, line)
	return []byte(strings.Replace(example, line, by, 1))
}

func TestWhatTheSchemaRefusesTheProgramRefusesToo(t *testing.T) {
	t.Parallel()
	in := func(line, indent string) func(by string) [2]string {
		return func(by string) [2]string { return [2]string{line, by + "\n" + indent + line} }
	}
	region, battle := in("name: east", "    "), in("archive: battle.tar", "      ")
	city, node := in("nodes:\n", "        "), in("host: 192.0.2.1", "            ")
	tests := map[string]struct {
		edit [2]string
		want string
	}{
		"an unknown key":             {region("nome: x"), "additional properties 'nome' not allowed"},
		"an unknown key of a city":   {city("offlin: skip"), "additional properties 'offlin' not allowed"},
		"policies of a node":         {node("policies: {enforcement: warn}"), "additional properties 'policies' not allowed"},
		"a version of a node":        {node("k3s: {version: v1.30.4+k3s1}"), "additional properties 'version' not allowed"},
		"no name":                    {[2]string{"name: east", "canary: true"}, "missing property 'name'"},
		"no host":                    {[2]string{"            host: 192.0.2.1\n", ""}, "missing property 'host'"},
		"no nodes":                   {[2]string{"nodes:\n          - name: shanghai-1\n            host: 192.0.2.1", "nodes: []"}, "minItems: got 0, want 1"},
		"a name in capitals":         {[2]string{"name: shanghai\n", "name: Shanghai\n"}, "'Shanghai' does not match pattern"},
		"a word for a number":        {battle("replicas: ten"), "got string, want integer"},
		"half a pod":                 {battle("replicas: 1.5"), "want integer"},
		"no pods":                    {battle("replicas: 0"), "minimum: got 0, want 1"},
		"too many players":           {battle("maxPlayers: 11"), "maximum: got 11, want 10"},
		"too many ticks":             {battle("tickRate: 1001"), "maximum: got 1,001, want 1,000"},
		"an image by its tag":        {[2]string{"archive: battle.tar", "image: r/b:1"}, "'r/b:1' does not match pattern"},
		"a port":                     {battle("ports: {last: 65536}"), "maximum: got 65,536, want 65,535"},
		"a quantity":                 {battle("resources: {limits: {cpu: much}}"), "'much' does not match pattern"},
		"a duration without a unit":  {region("slo: {duration: 10}"), "got number, want string"},
		"a duration in words":        {region("slo: {duration: 5 minutes}"), "'5 minutes' does not match pattern"},
		"a gate without attempts":    {region("slo: {gate: {attempts: 0}}"), "minimum: got 0, want 1"},
		"more bots than seats":       {region("slo: {botsPerPod: 11}"), "maximum: got 11, want 10"},
		"ticks below nothing":        {region("slo: {tickRate: -1}"), "minimum: got -1, want 0"},
		"a role":                     {node("role: master"), "value must be one of 'server', 'agent'"},
		"an engine":                  {node("wasm: {engine: wasmtime}"), "value must be one of 'crun', 'shim'"},
		"a WasmEdge":                 {node("wasm: {version: latest}"), "'latest' does not match pattern"},
		"a checksum":                 {node("wasm: {engine: shim, version: 0.14.0, shim: {sha256: abc}}"), "'abc' does not match pattern"},
		"an enforcement":             {city("policies: {enforcement: audit}"), "value must be one of 'deny', 'warn', 'dryrun'"},
		"players of a policy":        {city("policies: {maxPlayers: 0}"), "minimum: got 0, want 1"},
		"ticks of a policy":          {city("policies: {minTickRate: 0}"), "minimum: got 0, want 1"},
		"an offline":                 {city("offline: wait"), "value must be one of 'fail', 'skip'"},
		"a word for a switch":        {city("protect: maybe"), "got string, want boolean"},
		"a K3s":                      {city("k3s: {version: 1.30.4}"), "'1.30.4' does not match pattern"},
		"a word for a list":          {city("k3s: {disable: traefik}"), "got string, want array"},
		"a currency":                 {city("prices: {currency: yuan}"), "'yuan' does not match pattern"},
		"a price":                    {node("prices: {nodeMonth: -1}"), "minimum: got -1, want 0"},
		"a size":                     {node("size: {memory: lots}"), "'lots' does not match pattern"},
		"a size of nothing":          {node("size: {cpu: 0}"), "exclusiveMinimum: got 0, want 0"},
		"an SSH port":                {node("ssh: {port: 65536}"), "maximum: got 65,536, want 65,535"},
		"no attempt":                 {node("ssh: {dialAttempts: 0}"), "minimum: got 0, want 1"},
		"half a location":            {city("location: {latitude: 31.23}"), "missing property 'longitude'"},
		"a location beyond the pole": {city("location: {latitude: 91, longitude: 0}"), "maximum: got 91, want 90"},
		"a wave without a name":      {region("waves: [{percent: 50}]"), "missing property 'name'"},
		"a wave of more than all":    {region("waves: [{name: w, percent: 101}]"), "maximum: got 101, want 100"},
		"a lobby's port":             {city("lobby: {nodePort: 80}"), "minimum: got 80, want 30,000"},
		"a rate":                     {city("lobby: {joinRate: often}"), "'often' does not match pattern"},
		"no backups":                 {city("lobby: {backups: {keep: 0}}"), "minimum: got 0, want 1"},
		"an image of others":         {city("messaging: {image: nats}"), "'nats' does not match pattern"},
		"Gatekeeper without a tag":   {city("policies: {gatekeeper: {image: r/gatekeeper}}"), "'r/gatekeeper' does not match pattern"},
		"a leaf in the clear":        {city("messaging: {leaf: {url: nats://hub, credentialsFile: c}}"), "'nats://hub' does not match pattern"},
		"a storage":                  {city("messaging: {storage: lots}"), "'lots' does not match pattern"},
		"a generation":               {city("credentials: {generation: 0}"), "minimum: got 0, want 1"},
		"a drain in minutes":         {battle("drainTimeout: 5"), "got number, want string"},
		"a namespace":                {battle("namespace: My_Battle"), "'My_Battle' does not match pattern"},
	}
	s := validator(t)
	require.NoError(t, validate(t, s, []byte(example)))
	require.NoError(t, parseRegion(t, []byte(example)))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := put(t, tt.edit[0], tt.edit[1])
			require.ErrorContains(t, validate(t, s, file), tt.want)
			require.Error(t, parseRegion(t, file), "the program takes it")
		})
	}
}

func TestTheSchemaTakesWhatTheProgramTakes(t *testing.T) {
	t.Parallel()
	s := validator(t)
	for _, by := range []string{
		"size: {cpu: 4, memory: 8Gi}", "size: {cpu: 4.5}", `size: {cpu: "6"}`, "battle: {resources: {requests: {cpu: 100m, memory: 1e8}}}",
		"slo: {duration: 1m30s, gate: {enabled: false}}", "prices: {nodeMonth: 0}", "ssh: {dialTimeout: 1.5s}", "k3s: {kubeletArgs: [max-pods=50], disable: []}",
	} {
		file := put(t, "        nodes:\n", "        "+by+"\n        nodes:\n")
		require.NoError(t, parseRegion(t, file), by)
		require.NoError(t, validate(t, s, file), by)
	}
}

func TestTheSchemaKnowsPulumisOwnKeys(t *testing.T) {
	t.Parallel()
	s := validator(t)
	require.NoError(t, validate(t, s, []byte("encryptionsalt: v1:x\nsecretsprovider: awskms://x\nencryptedkey: x\nenvironment: [prod]"+
		strings.Replace(example, "config:\n", "config:\n  pulumi:tags: {team: edge}\n", 1))))
	require.ErrorContains(t, validate(t, s, []byte("secretprovider: x"+example)), "additional properties 'secretprovider' not allowed")
	require.ErrorContains(t, validate(t, s, []byte(strings.Replace(example, "edge-arena:region", "edge-arena:regoin", 1))), "missing property 'edge-arena:region'")
	require.ErrorContains(t, validate(t, s, []byte("encryptionsalt: v1:x\n")), "missing property 'config'")
}

// Editors show these. A sample of each kind, as it is read by a person.
func TestTheSchemaExplainsAndCompletes(t *testing.T) {
	t.Parallel()
	text, err := schema.Generate()
	require.NoError(t, err)
	type property struct {
		Description string
		Default     any
		Enum        []string
	}
	var document struct {
		Defs map[string]struct {
			Description string
			Properties  map[string]property
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &document))
	for name, def := range document.Defs {
		require.NotEmpty(t, def.Description, name)
		for key, p := range def.Properties {
			require.NotEmpty(t, p.Description, "%s.%s", name, key)
		}
	}
	of := func(def, key string) property { return document.Defs[def].Properties[key] }
	require.Equal(t, property{"DialTimeout is the longest that one attempt to connect may take. Default is 15s.", "15s", nil}, of("SSH", "dialTimeout"))
	require.Equal(t, "5m", of("K3s", "readyTimeout").Default)
	require.Equal(t, "5m", of("NodeK3s", "readyTimeout").Default)
	require.Equal(t, map[string]any{"cpu": "400m", "memory": "880Mi"}, of("NodeK3s", "reserve").Default)
	require.Equal(t, []any{"traefik", "servicelb"}, of("K3s", "disable").Default)
	require.Equal(t, map[string]any{"first": 20000.0, "last": 20999.0}, of("Battle", "ports").Default)
	require.Equal(t, []string{"fail", "skip"}, of("Region", "offline").Enum)
	require.Equal(t, "fail", of("Region", "offline").Default)
	require.Equal(t, true, of("Region", "protect").Default)
	require.Nil(t, of("City", "protect").Default, "it is the region's")
	require.Equal(t, false, of("Gate", "rollback").Default)
	require.NotContains(t, document.Defs, "Endpoint", "which is not the operator's to write")
	require.NotContains(t, document.Defs["Mirror"].Properties, "Checksums")
}
