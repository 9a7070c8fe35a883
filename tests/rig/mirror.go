package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/edge-arena/edge-arena/internal/progress"
)

// mirrorName is the name of the mirror's container, after the rig's, and of its folder.
const mirrorName = "mirror"

// Mirror tells where the nodes get K3s from. Nil is a rig without a mirror.
func (r *Rig) Mirror() *Mirror { return r.rec.Mirror }

// ReleaseDir is this machine's copy of what the mirror serves; the hashes that an installer is pinned to stand in its
// sha256sum-amd64.txt.
func (r *Rig) ReleaseDir() string { return filepath.Join(r.spec.Dir, mirrorName, K3sVersion) }

// ensureMirror makes the mirror of a rig that wants one, and starts it where it is stopped.
func (r *Rig) ensureMirror(ctx context.Context, state string, p *progress.Reporter) error {
	if r.spec.Release == nil {
		return nil
	}
	previous := ""
	if r.rec.Mirror != nil {
		previous = r.rec.Mirror.Origin
	}
	from, origin, err := r.spec.Release(ctx, previous)
	if err != nil {
		return fmt.Errorf("get K3s %s: %w", K3sVersion, err)
	}
	if err := copyRelease(from, r.ReleaseDir()); err != nil {
		return fmt.Errorf("fill the mirror: %w", err)
	}
	subnet, err := netip.ParsePrefix(r.rec.Network.Subnet)
	if err != nil {
		return fmt.Errorf("read the rig's subnet: %w", err)
	}
	address := host(subnet, mirrorHost).String()
	switch state {
	case "running":
	case "":
		_, err = r.docker.Run(ctx, "run", "--detach", "--name", r.container(mirrorName), "--hostname", mirrorName,
			"--label", rigLabel+"="+r.rec.Name, "--label", nodeLabel+"="+mirrorName,
			"--network", r.rec.Network.Name, "--ip", address, "--security-opt", "label=disable", "--stop-signal", "SIGKILL",
			"--volume", filepath.Join(r.spec.Dir, mirrorName)+":/srv:ro", "--entrypoint", "/bin/busybox", r.image,
			"httpd", "-f", "-p", "80", "-h", "/srv")
	default:
		_, err = r.docker.Run(ctx, "restart", r.container(mirrorName))
	}
	if err != nil {
		return fmt.Errorf("start the mirror: %w", err)
	}
	if previous != origin {
		p.Note("K3s %s comes from the %s", K3sVersion, origin)
	}
	r.rec.Mirror = &Mirror{URL: "http://" + address, Version: K3sVersion, Origin: origin}
	return r.waitMirror(ctx)
}

// waitMirror waits until the mirror serves the release. Its web server starts in a few milliseconds.
func (r *Rig) waitMirror(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	url := r.rec.Mirror.URL + "/" + K3sVersion + "/" + sumsFile
	for {
		err := get(ctx, url)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the mirror doesn't serve %s: %w", url, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// The mirror is next to us: a proxy for the internet doesn't know it.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// copyRelease fills dir with the files of a release and nothing else: hard links where both folders lie on one file system, for
// the air-gap images are large.
func copyRelease(from, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range releaseFiles {
		src, dst := filepath.Join(from, name), filepath.Join(dir, name)
		a, err := os.Stat(src)
		if err != nil {
			return err
		}
		if b, err := os.Stat(dst); err == nil && (os.SameFile(a, b) || a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()) {
			continue
		}
		if err := os.RemoveAll(dst); err != nil {
			return err
		}
		if os.Link(src, dst) == nil {
			continue
		}
		if err := copyFile(src, dst, a); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies the file with its mode and time, so that the next run sees that it is the same.
func copyFile(src, dst string, info os.FileInfo) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(dst, info.ModTime(), info.ModTime())
}
