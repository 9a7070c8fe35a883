package agent

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"k8s.io/klog/v2"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

const imagesInterval = 5 * time.Second

// images imports the archives in a folder, each once per start and again when it changes.
type images struct {
	dir  string
	seen map[string]stamp
}

// stamp is how an archive looked when it was imported.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(info os.FileInfo) stamp { return stamp{size: info.Size(), time: info.ModTime()} }

// importNew imports what was not imported before.
func (i *images) importNew(ctx context.Context) error {
	entries, err := os.ReadDir(i.dir)
	if err != nil {
		return fmt.Errorf("list images: %w", err)
	}
	var problems []error
	for _, entry := range entries {
		open := opener(entry.Name())
		info, err := entry.Info()
		if open == nil || err != nil || i.seen[entry.Name()] == stampOf(info) {
			continue
		}
		i.seen[entry.Name()] = stampOf(info)
		start := time.Now()
		if err := importArchive(ctx, filepath.Join(i.dir, entry.Name()), open); err != nil {
			problems = append(problems, fmt.Errorf("import %s: %w", entry.Name(), err))
			continue
		}
		klog.InfoS("Imported images", "archive", entry.Name(), "took", time.Since(start))
	}
	return errors.Join(problems...)
}

// watch imports archives that appear later, once they have stopped growing.
func (i *images) watch(ctx context.Context) error {
	last := map[string]stamp{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(imagesInterval):
		}
		now, err := stamps(i.dir)
		if err != nil {
			klog.ErrorS(err, "Cannot watch images")
			continue
		}
		settled := len(now) == len(last)
		for name, s := range now {
			settled = settled && last[name] == s
		}
		last = now
		if !settled {
			continue
		}
		if err := i.importNew(ctx); err != nil {
			klog.ErrorS(err, "Cannot import all images")
		}
	}
}

func stamps(dir string) (map[string]stamp, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	all := map[string]stamp{}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			all[entry.Name()] = stampOf(info)
		}
	}
	return all, nil
}

// opener knows how to read an archive by its name; nil means that it is none.
func opener(name string) func(io.Reader) (io.Reader, error) {
	switch {
	case strings.HasSuffix(name, ".tar"):
		return func(r io.Reader) (io.Reader, error) { return r, nil }
	case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".tgz"):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case strings.HasSuffix(name, ".tar.zst"), strings.HasSuffix(name, ".tzst"):
		return func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }
	}
	return nil
}

func importArchive(ctx context.Context, path string, open func(io.Reader) (io.Reader, error)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, err := open(file)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/usr/bin/ctr", "--address", config.ContainerdSocket, "--namespace", "k8s.io", "images", "import", "--all-platforms", "-")
	cmd.Stdin = reader
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
