package k3s

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Archive is an OCI archive with one image.
type Archive struct {
	// Path is the archive's file; empty for one that is in memory.
	Path string
	// Content is the archive itself, for a small one; empty for one in a file.
	Content []byte
	// SHA256 is the archive's checksum.
	SHA256 string
	// References are the names under which containerd keeps the image after the import.
	References []string
	// Reference is the one of them by digest, `name@sha256:…`, for pods to name.
	Reference string
}

// OpenArchive reads what an archive holds.
func OpenArchive(path string) (*Archive, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("image archive: %w", err)
	}
	a, err := ReadArchive(content)
	if err != nil {
		return nil, fmt.Errorf("image archive %s: %w", path, err)
	}
	a.Path, a.Content = path, nil
	return a, nil
}

// ReadArchive reads what an archive in memory holds.
func ReadArchive(content []byte) (*Archive, error) {
	sum := sha256.Sum256(content)
	a := &Archive{Content: content, SHA256: hex.EncodeToString(sum[:])}
	index, err := indexOf(content)
	if err != nil {
		return nil, err
	}
	for _, m := range index.Manifests {
		name := m.Annotations["io.containerd.image.name"]
		if name == "" {
			continue
		}
		a.References = append(a.References, name)
		if strings.Contains(name, "@sha256:") {
			a.Reference = name
		}
	}
	if a.Reference == "" {
		return nil, errors.New("no manifest is named by its digest (annotation io.containerd.image.name, name@sha256:…)")
	}
	return a, nil
}

type ociIndex struct {
	Manifests []struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"manifests"`
}

func indexOf(content []byte) (*ociIndex, error) {
	for files := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("not an OCI archive: it has no index.json")
		}
		if err != nil {
			return nil, fmt.Errorf("not an OCI archive: %w", err)
		}
		if strings.TrimPrefix(header.Name, "./") != "index.json" {
			continue
		}
		var index ociIndex
		if err := json.NewDecoder(files).Decode(&index); err != nil {
			return nil, fmt.Errorf("index.json: %w", err)
		}
		return &index, nil
	}
}
