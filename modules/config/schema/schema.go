// Package schema makes the JSON Schema of a stack file from the types of modules/config, their doc comments and their defaults, so that an
// editor completes the file, explains each key and marks mistakes while they are made. It is the smaller net: what it lets through, such
// as more pods than fit, [config.Parse] still refuses.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/edge-arena/edge-arena/modules/config"
)

const (
	// Path is where the schema is kept, from the project's root.
	Path = "stacks/region.schema.json"
	// Command writes it, when run in the project's root.
	Command = "go run ./modules/config/schema/gen"
	// Line is what a stack file begins with, for the YAML language server.
	Line = "# yaml-language-server: $schema=region.schema.json"
)

// key is the region's in a stack file.
const key = "edge-arena:" + config.Key

// Generate returns the schema, indented. It reads the doc comments from the project that the working directory is in, and fails outside.
func Generate() ([]byte, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	comments, err := readComments(filepath.Join(root, "modules", "config"))
	if err != nil {
		return nil, err
	}
	reflector := jsonschema.Reflector{
		Anonymous:                  true,
		FieldNameTag:               "mapstructure",
		RequiredFromJSONSchemaTags: true, // of which there are none: see require
		Mapper:                     leaf,
		CommentMap:                 comments,
	}
	defs := reflector.Reflect(&config.Region{}).Definitions
	setDefaults(defs, defs["Region"], reflect.ValueOf(config.Region{Settings: config.Defaults()}))
	setDefaults(defs, defs["NodeK3s"], reflect.ValueOf(config.Defaults().K3s.NodeK3s))
	for name, def := range defs {
		require(def)
		if err := bound(name, def); err != nil {
			return nil, err
		}
	}
	if err := checkBounds(defs); err != nil {
		return nil, err
	}
	return encode(stack(defs))
}

// Root is the folder that holds the project's go.mod: the working directory or one above it.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
	}
	return "", fmt.Errorf("find the project: no go.mod in %s or above it", dir)
}

// readComments reads the doc comments of the types and fields in dir, each as one line, under the names that the reflector asks for.
func readComments(dir string) (map[string]string, error) {
	var r jsonschema.Reflector
	if err := r.AddGoComments("", dir, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("read the comments of %s: %w", dir, err)
	}
	pkg := reflect.TypeFor[config.Region]().PkgPath()
	comments := map[string]string{}
	for name, text := range r.CommentMap {
		if name, ok := strings.CutPrefix(name, filepath.ToSlash(dir)+"."); ok {
			comments[pkg+"."+name] = strings.Join(strings.Fields(text), " ")
		}
	}
	return comments, nil
}

// stack is the schema of a whole stack file: Pulumi's own keys, and the region in its config.
func stack(defs jsonschema.Definitions) *jsonschema.Schema {
	text := func(description string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Description: description}
	}
	settings := jsonschema.NewProperties()
	settings.Set(key, &jsonschema.Schema{Ref: "#/$defs/Region", Description: defs["Region"].Description})
	file := jsonschema.NewProperties()
	file.Set("config", &jsonschema.Schema{
		Type: "object", Description: "The stack's config.", Properties: settings, Required: []string{key},
		PatternProperties:    map[string]*jsonschema.Schema{"^pulumi:": jsonschema.TrueSchema},
		AdditionalProperties: jsonschema.FalseSchema,
	})
	file.Set("encryptionsalt", text("What Pulumi derives the key of this stack's secrets from, with the passphrase. Pulumi writes it."))
	file.Set("secretsprovider", text("The key service that guards this stack's secrets, such as awskms://… . Default is a passphrase."))
	file.Set("encryptedkey", text("The key of this stack's secrets, encrypted by the key service. Pulumi writes it."))
	file.Set("environment", &jsonschema.Schema{
		Description: "The environments of Pulumi ESC that the config takes values from.",
		AnyOf:       []*jsonschema.Schema{{Type: "array", Items: &jsonschema.Schema{Type: "string"}}, {Type: "object"}},
	})
	return &jsonschema.Schema{
		Version:     jsonschema.Version,
		Title:       "A stack of edge-arena",
		Description: "A region of city clusters. Generated from modules/config by `" + Command + "`: do not edit.",
		Type:        "object", Properties: file, Required: []string{"config"}, AdditionalProperties: jsonschema.FalseSchema,
		Definitions: defs,
	}
}

// require lists the properties whose comments say so.
func require(def *jsonschema.Schema) {
	for p := def.Properties.Oldest(); p != nil; p = p.Next() {
		if strings.HasSuffix(p.Value.Description, "Required.") && !slices.Contains(def.Required, p.Key) {
			def.Required = append(def.Required, p.Key)
		}
	}
}

func encode(s *jsonschema.Schema) ([]byte, error) {
	compact, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("indent the schema: %w", err)
	}
	// It is read by people, not by browsers.
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(indented.String())
	return []byte(plain + "\n"), nil
}
