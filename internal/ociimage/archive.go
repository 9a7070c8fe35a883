package ociimage

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Write makes the image of spec and writes it as an OCI archive to the file at path. It returns the digest of the image's manifest,
// `sha256:…`: the image can be named by it as well as by its tag once the archive has been imported.
func Write(path string, spec Spec) (digest string, err error) {
	img, err := New(spec)
	if err != nil {
		return "", err
	}
	return WriteImage(path, spec.Reference, img)
}

// WriteImage writes an image as an OCI archive, as [Write] does.
func WriteImage(path, reference string, img v1.Image) (digest string, err error) {
	return writeFile(path, reference, img, func(a *archive) error { return a.image(img) })
}

// WriteIndex writes images of several platforms as an OCI archive of one name. The digest is that of the index: whoever pulls or imports it by that gets
// the image of its own platform.
func WriteIndex(path, reference string, images ...v1.Image) (digest string, err error) {
	index, err := NewIndex(images...)
	if err != nil {
		return "", fmt.Errorf("image %s: %w", reference, err)
	}
	return writeFile(path, reference, index, func(a *archive) error {
		manifest, err := index.RawManifest()
		if err != nil {
			return err
		}
		hash, err := index.Digest()
		if err != nil {
			return err
		}
		errs := []error{a.blob(hash, manifest)}
		for _, img := range images {
			errs = append(errs, a.image(img))
		}
		return errors.Join(errs...)
	})
}

// NewIndex makes an index of images, each for the platform that its configuration names. No two may be for the same.
func NewIndex(images ...v1.Image) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	seen := map[string]bool{}
	for _, img := range images {
		config, err := img.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("index: config: %w", err)
		}
		platform := config.Platform()
		if seen[platform.String()] {
			return nil, fmt.Errorf("index: two images are for %s", platform)
		}
		seen[platform.String()] = true
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
	}
	return index, nil
}

// described is an image or an index of images.
type described interface {
	Digest() (v1.Hash, error)
	MediaType() (types.MediaType, error)
	Size() (int64, error)
}

func writeFile(path, reference string, what described, add func(*archive) error) (digest string, err error) {
	tag, err := name.NewTag(reference)
	if err != nil {
		return "", fmt.Errorf("image reference: %w", err)
	}
	// The type of one that was pulled may be Docker's.
	top, err := partial.Descriptor(what)
	if err != nil {
		return "", fmt.Errorf("image %s: describe: %w", reference, err)
	}
	// A run that was cut off leaves no half archive under the name that others look for.
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return "", fmt.Errorf("image %s: %w", reference, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	if err := writeArchive(tmp, tag, v1.Descriptor{MediaType: top.MediaType, Digest: top.Digest, Size: top.Size}, add); err != nil {
		return "", errors.Join(fmt.Errorf("image %s: write archive: %w", reference, err), tmp.Close())
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Close()); err != nil {
		return "", fmt.Errorf("image %s: write archive: %w", reference, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return "", fmt.Errorf("image %s: %w", reference, err)
	}
	return top.Digest.String(), nil
}

// nameAnnotation is where containerd, on import, looks for the name of an image.
const nameAnnotation = "io.containerd.image.name"

func writeArchive(w io.Writer, tag name.Tag, top v1.Descriptor, addBlobs func(*archive) error) error {
	buf := bufio.NewWriter(w)
	a := &archive{t: tar.NewWriter(buf), has: map[v1.Hash]bool{}}
	index, err := indexOf(tag, top)
	if err != nil {
		return err
	}
	err = errors.Join(
		a.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)),
		a.file("index.json", index),
		addBlobs(a),
	)
	return errors.Join(err, a.t.Close(), buf.Flush())
}

// indexOf lists the one manifest twice, by its tag and by its digest: containerd makes an image record of each, so that a pod
// which names the image by digest finds it without a registry.
func indexOf(tag name.Tag, manifest v1.Descriptor) ([]byte, error) {
	entry := func(fullName string) v1.Descriptor {
		named := manifest
		named.Annotations = map[string]string{nameAnnotation: fullName, "org.opencontainers.image.ref.name": tag.TagStr()}
		return named
	}
	return json.Marshal(v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: []v1.Descriptor{
			entry(repository(tag) + ":" + tag.TagStr()), entry(repository(tag) + "@" + manifest.Digest.String()),
		},
	})
}

// archive is one that is being written.
type archive struct {
	t *tar.Writer
	// has are the blobs in it: images of two platforms may share some.
	has map[v1.Hash]bool
}

// image adds what an image consists of.
func (a *archive) image(img v1.Image) error {
	hash, err := img.Digest()
	if err != nil {
		return err
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return err
	}
	configHash, err := img.ConfigName()
	if err != nil {
		return err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return err
	}
	if err := errors.Join(a.blob(hash, manifest), a.blob(configHash, config)); err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		if err := a.layer(l); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) layer(l v1.Layer) error {
	hash, err := l.Digest()
	if err != nil {
		return err
	}
	r, err := l.Compressed()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	return a.blob(hash, content)
}

func (a *archive) blob(h v1.Hash, content []byte) error {
	if a.has[h] {
		return nil
	}
	a.has[h] = true
	return a.file("blobs/"+h.Algorithm+"/"+h.Hex, content)
}

func (a *archive) file(name string, content []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}
	if err := a.t.WriteHeader(h); err != nil {
		return err
	}
	_, err := a.t.Write(content)
	return err
}

// Repository is the full name of a reference without its tag.
func Repository(reference string) (string, error) {
	tag, err := name.NewTag(reference)
	if err != nil {
		return "", fmt.Errorf("image reference: %w", err)
	}
	return repository(tag), nil
}

// repository is a tag's full name without the tag, as containerd spells it: it looks for Docker Hub's images under docker.io, which the
// library has by the name that the registry answers to.
func repository(tag name.Tag) string {
	full := tag.Context().Name()
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest
	}
	return full
}

// Size is the size of an image as a registry counts it: the compressed layers, the configuration and the manifest.
func Size(img v1.Image) (int64, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return 0, fmt.Errorf("image manifest: %w", err)
	}
	size, err := img.Size()
	if err != nil {
		return 0, fmt.Errorf("image size: %w", err)
	}
	size += manifest.Config.Size
	for _, l := range manifest.Layers {
		size += l.Size
	}
	return size, nil
}
