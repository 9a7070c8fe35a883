package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// unknownKeys reports the keys of value that its type has no field for, at every depth. The decoder knows them too, but not in an
// object in which something else is wrong.
func unknownKeys(path string, value any, t reflect.Type, found *problems) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return
		}
		fields := map[string]reflect.Type{}
		collectFields(t, fields)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+key, ".")
			if field, ok := fields[key]; ok {
				unknownKeys(at, v[key], field, found)
			} else {
				found.add(at, "unknown key")
			}
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return
		}
		for i, item := range v {
			unknownKeys(fmt.Sprintf("%s[%d]", path, i), item, t.Elem(), found)
		}
	}
}

// collectFields gives the type of each key of a struct, those of embedded structs included.
func collectFields(t reflect.Type, fields map[string]reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		switch tag := field.Tag.Get("mapstructure"); tag {
		case "-":
		case ",squash":
			collectFields(field.Type, fields)
		default:
			fields[tag] = field.Type
		}
	}
}
