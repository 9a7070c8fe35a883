package standin

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestArchiveHoldsImagesUnderK3sNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "pause")
	if err := os.WriteFile(program, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[name.Tag]v1.Image{}
	if err := addImage(all, pauseImage, program); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, Images)
	if err := tarball.MultiWriteToFile(archive, all); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("rancher/mirrored-pause:3.6")
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(archive, &tag)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Config.Entrypoint; len(got) != 1 || got[0] != "/pause" {
		t.Errorf("entrypoint: got %q, want /pause", got)
	}
	if got := config.Config.Labels[standInLabel]; got != "true" {
		t.Errorf("label %s: got %q, want true", standInLabel, got)
	}
}

func TestSumsAreAsSha256sumPrintsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, Binary), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeSums(dir, Binary); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, Sums))
	if err != nil {
		t.Fatal(err)
	}
	if want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  k3s\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := writeSums(dir, "missing"); err == nil {
		t.Error("a missing file went unnoticed")
	}
}
