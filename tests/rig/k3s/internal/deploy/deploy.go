// Package deploy keeps the cluster in step with the folder server/manifests: what is put there is applied, what is changed is
// applied again, what is disabled is deleted. A file that goes away leaves its objects alone.
package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/klog/v2"
)

const interval = 3 * time.Second

// Deployer applies the manifests of one folder.
type Deployer struct {
	dir, manager string
	disabled     []string
	client       dynamic.Interface
	mapper       *restmapper.DeferredDiscoveryRESTMapper
	// applied holds the digest of each file as it was last applied, across restarts: what users change in the cluster stays.
	applied map[string]string
}

// New makes a deployer that acts under the name of manager.
func New(config *rest.Config, dir, manager string, disabled []string) (*Deployer, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make dynamic client: %w", err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make discovery client: %w", err)
	}
	return &Deployer{
		dir:      dir,
		manager:  manager,
		disabled: disabled,
		client:   client,
		mapper:   restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco)),
		applied:  map[string]string{},
	}, nil
}

func (d *Deployer) stateFile() string { return filepath.Join(filepath.Dir(d.dir), "deployed.json") }

// Run works until ctx is done. What fails is logged and tried again: a manifest may wait for another's CRD.
func (d *Deployer) Run(ctx context.Context) error {
	data, err := os.ReadFile(d.stateFile())
	if err == nil {
		err = json.Unmarshal(data, &d.applied)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read what was deployed: %w", err)
	}
	for {
		if err := d.sync(ctx); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Cannot deploy all manifests, will try again")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(interval):
		}
	}
}

func (d *Deployer) sync(ctx context.Context) error {
	files, err := manifests(d.dir)
	if err != nil {
		return err
	}
	var problems []error
	for _, f := range files {
		if err := d.file(ctx, f); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", f.path, err))
		}
	}
	return errors.Join(problems...)
}

func (d *Deployer) file(ctx context.Context, f manifest) error {
	if f.skipped {
		return nil
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	disabled := f.isOneOf(d.disabled)
	if !disabled && d.applied[f.path] == digest {
		return nil
	}
	objects, err := parse(data)
	if err != nil {
		return err
	}
	do := d.apply
	if disabled {
		do = d.remove
	}
	// What was not known a moment ago may be by now.
	d.mapper.Reset()
	var problems []error
	for _, object := range objects {
		if err := do(ctx, object); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	if disabled {
		delete(d.applied, f.path)
		klog.InfoS("Removed a disabled component", "manifest", f.path)
		return errors.Join(os.Remove(f.path), d.save())
	}
	d.applied[f.path] = digest
	klog.InfoS("Applied manifest", "manifest", f.path)
	return d.save()
}

func (d *Deployer) save() error {
	data, err := json.Marshal(d.applied)
	if err != nil {
		return err
	}
	return os.WriteFile(d.stateFile(), data, 0o600)
}

func (d *Deployer) apply(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := d.resource(object)
	if err != nil {
		return err
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: d.manager, Force: true})
	return err
}

func (d *Deployer) remove(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := d.resource(object)
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	if err := resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{PropagationPolicy: &background}); !apierrors.IsNotFound(err) {
		return err
	}
	return nil
}

func (d *Deployer) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := d.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return d.client.Resource(mapping.Resource), nil
	}
	namespace := object.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return d.client.Resource(mapping.Resource).Namespace(namespace), nil
}

// parse reads the objects of a file, YAML documents or JSON; lists count as what they hold.
func parse(data []byte) ([]*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse manifest: %w", err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if object.GetKind() == "" || object.GetAPIVersion() == "" {
			return nil, errors.New("parse manifest: an object without apiVersion or kind")
		}
		if !object.IsList() {
			objects = append(objects, object)
			continue
		}
		list, err := object.ToList()
		if err != nil {
			return nil, fmt.Errorf("parse manifest: %w", err)
		}
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
}

func sorted(files []manifest) []manifest {
	sort.Slice(files, func(i, j int) bool { return files[i].path < files[j].path })
	return files
}
