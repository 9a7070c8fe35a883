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
	tag, err := name.NewTag(reference)
	if err != nil {
		return "", fmt.Errorf("image reference: %w", err)
	}
	hash, err := img.Digest()
	if err != nil {
		return "", fmt.Errorf("image %s: digest: %w", reference, err)
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
	if err := writeArchive(tmp, tag, hash, img); err != nil {
		return "", errors.Join(fmt.Errorf("image %s: write archive: %w", reference, err), tmp.Close())
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Close()); err != nil {
		return "", fmt.Errorf("image %s: write archive: %w", reference, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return "", fmt.Errorf("image %s: %w", reference, err)
	}
	return hash.String(), nil
}

// nameAnnotation is where containerd, on import, looks for the name of an image.
const nameAnnotation = "io.containerd.image.name"

func writeArchive(w io.Writer, tag name.Tag, hash v1.Hash, img v1.Image) error {
	buf := bufio.NewWriter(w)
	t := tar.NewWriter(buf)
	manifest, err := img.RawManifest()
	if err != nil {
		return err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return err
	}
	configHash, err := img.ConfigName()
	if err != nil {
		return err
	}
	// One that was pulled may be of Docker's type.
	mediaType, err := img.MediaType()
	if err != nil {
		return err
	}
	index, err := indexOf(tag, v1.Descriptor{MediaType: mediaType, Digest: hash, Size: int64(len(manifest))})
	if err != nil {
		return err
	}
	err = errors.Join(
		add(t, "oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)),
		add(t, "index.json", index),
		add(t, blob(hash), manifest),
		add(t, blob(configHash), config),
		addLayers(t, img),
	)
	return errors.Join(err, t.Close(), buf.Flush())
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

func addLayers(t *tar.Writer, img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
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
		if err := add(t, blob(hash), content); err != nil {
			return err
		}
	}
	return nil
}

func blob(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

func add(t *tar.Writer, name string, content []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(content)
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
