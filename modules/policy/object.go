package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"
)

// object is a Kubernetes object of any kind, or a part of one, as decoded from YAML.
type object map[string]any

// decode reads the objects of a YAML file.
func decode(content []byte) ([]object, error) {
	var all []object
	for dec := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var o object
		err := dec.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(o) == 0 {
			continue
		}
		if o.kind() == "" || o.name() == "" || text(o["apiVersion"]) == "" {
			return nil, fmt.Errorf("object %d: apiVersion, kind and metadata.name are required", len(all))
		}
		all = append(all, o)
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func (o object) kind() string { return text(o["kind"]) }
func (o object) name() string { return text(o.at("metadata")["name"]) }

// role tells the object from others in the names of resources: `role-manager-role` for Role gatekeeper-manager-role.
func (o object) role() string {
	kind := strings.ToLower(o.kind())
	switch kind {
	case "customresourcedefinition":
		kind = "crd"
	case "validatingwebhookconfiguration":
		return "webhooks"
	}
	return kind + "-" + strings.TrimPrefix(o.name(), "gatekeeper-")
}

// at gives the map at a path, which is made where it is missing.
func (o object) at(path ...string) object {
	for _, key := range path {
		next, ok := o[key].(object)
		if !ok {
			next = object{}
			o[key] = next
		}
		o = next
	}
	return o
}

func (o object) annotate(key, value string) { o.at("metadata", "annotations")[key] = value }

// meta is the object's metadata, typed.
func (o object) meta() *metav1.ObjectMetaArgs {
	m := o.at("metadata")
	meta := &metav1.ObjectMetaArgs{Name: pulumi.String(o.name())}
	if ns := text(m["namespace"]); ns != "" {
		meta.Namespace = pulumi.String(ns)
	}
	texts := func(key string) pulumi.StringMap {
		if _, ok := m[key]; !ok {
			return nil
		}
		all := pulumi.StringMap{}
		for k, v := range m.at(key) {
			all[k] = pulumi.String(text(v))
		}
		return all
	}
	if labels := texts("labels"); labels != nil {
		meta.Labels = labels
	}
	if annotations := texts("annotations"); annotations != nil {
		meta.Annotations = annotations
	}
	return meta
}

// input makes of decoded YAML what Pulumi takes. What is null is left out.
func input(v any) pulumi.Input {
	switch v := v.(type) {
	case pulumi.Input:
		return v
	case string:
		return pulumi.String(v)
	case bool:
		return pulumi.Bool(v)
	case int:
		return pulumi.Int(v)
	case float64:
		return pulumi.Float64(v)
	case object:
		all := pulumi.Map{}
		for k, e := range v {
			if e != nil {
				all[k] = input(e)
			}
		}
		return all
	case []any:
		all := make(pulumi.Array, 0, len(v))
		for _, e := range v {
			all = append(all, input(e))
		}
		return all
	}
	panic(fmt.Sprintf("policy: a %T in an object", v))
}

// list makes a list of any for an object.
func list[T any](all ...T) []any {
	made := make([]any, 0, len(all))
	for _, e := range all {
		made = append(made, e)
	}
	return made
}
