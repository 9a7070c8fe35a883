package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Key is the region's key in the Pulumi config, without the project's name before it.
const Key = "region"

// Load reads the region of the stack that runs.
func Load(ctx *pulumi.Context) (*Region, error) {
	raw, ok := ctx.GetConfig(ctx.Project() + ":" + Key)
	if !ok {
		return nil, fmt.Errorf("config %s:%s is missing: describe the region in stacks/Pulumi.%s.yaml", ctx.Project(), Key, ctx.Stack())
	}
	root, err := projectRoot(ctx)
	if err != nil {
		return nil, err
	}
	return Parse([]byte(raw), root)
}

// projectRoot is the folder that holds Pulumi.yaml. Not every language host tells it; all run the program in `main`, below it.
func projectRoot(ctx *pulumi.Context) (string, error) {
	if root := ctx.RootDirectory(); root != "" {
		return root, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "Pulumi.yaml")); err == nil {
			return at, nil
		}
	}
	return "", fmt.Errorf("find the project: no Pulumi.yaml in %s or above it", dir)
}

// Parse reads a region from JSON. Relative paths in it start at root. The error joins every problem that was found.
func Parse(raw []byte, root string) (*Region, error) {
	r, problems := read(raw)
	if r != nil {
		problems = append(problems, r.resolve(root)...)
		problems = append(problems, r.validate()...)
	}
	if len(problems) > 0 {
		return nil, problems.join()
	}
	return r, nil
}

// ParseWithoutFiles is [Parse] for planning ahead: the files that the region names need not be there, so endpoints, archives and
// checksums stay open.
func ParseWithoutFiles(raw []byte) (*Region, error) {
	r, problems := read(raw)
	if r != nil {
		problems = append(problems, r.validate()...)
	}
	if len(problems) > 0 {
		return nil, problems.join()
	}
	return r, nil
}

// read decodes and completes a region. It returns none where something could not be decoded, for that would be reported again, as
// missing.
func read(raw []byte) (*Region, problems) {
	var tree any
	dec := json.NewDecoder(bytes.NewReader(raw))
	// A number stays as it was written: 1.5 replicas must not become 1.
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, problems{fmt.Errorf("decode region: %w", err)}
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, problems{errors.New("decode region: an object is wanted, with name, cities and so on")}
	}
	withoutNulls(object)
	r, problems := decodeRegion(object)
	if len(problems) > 0 {
		return nil, problems
	}
	return r, nil
}

// durationHook reads a duration from its Go notation and takes nothing else for one.
func durationHook(from, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() {
		return value, nil
	}
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf(`%v is not a duration: write it with its unit, as "15s", "2m" or "10ms"`, value)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, fmt.Errorf(`%q is not a duration: write it with its unit, as "15s", "2m" or "10ms"`, text)
	}
	return d, nil
}

// decodeProblems takes apart what mapstructure joined and wrapped.
func decodeProblems(err error) problems {
	var found problems
	switch e := err.(type) { //nolint:errorlint // It is the wrapping that is taken apart here.
	case nil:
	case *mapstructure.DecodeError:
		found.add(e.Name(), "%s", plainWords(e.Unwrap()))
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			found = append(found, decodeProblems(one)...)
		}
	case interface{ Unwrap() error }:
		found = decodeProblems(e.Unwrap())
	default:
		found = problems{err}
	}
	return found
}

var jsonNumber = regexp.MustCompile(`'?json\.Number'?`)

// plainWords says what is wrong in the words of the file rather than of Go.
func plainWords(err error) string {
	var kind *mapstructure.UnconvertibleTypeError
	var parse *mapstructure.ParseError
	switch {
	case errors.As(err, &kind):
		return fmt.Sprintf("%s is wanted, not %s", typeName(kind.Expected.Type()), valueName(kind.Value))
	case errors.As(err, &parse):
		return fmt.Sprintf("%s is wanted, not %s", typeName(parse.Expected.Type()), valueName(parse.Value))
	}
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "expected a map"):
		return "an object is wanted"
	case strings.HasPrefix(text, "source data must be an array or slice"):
		return "a list is wanted"
	}
	return jsonNumber.ReplaceAllString(text, "a number")
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Bool:
		return "true or false"
	default:
		return t.String()
	}
}

func valueName(value any) string {
	switch v := value.(type) {
	case json.Number:
		return v.String()
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprint(v)
	}
}

// problems are what is wrong with a region, each with its path.
type problems []error

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

// join puts each problem on a line of its own, once.
func (p problems) join() error {
	lines := make([]string, 0, len(p))
	for _, err := range p {
		if line := "  " + err.Error(); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 1 && strings.HasPrefix(lines[0], "  decode region: ") {
		return p[0]
	}
	return fmt.Errorf("the region's config has %d problem(s):\n%s", len(lines), strings.Join(lines, "\n"))
}
