package rig

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// K3sVersion is the K3s release that the mirror serves.
const K3sVersion = "v1.30.4+k3s1"

// Origins of a release.
const (
	OriginOfficial = "official release"
	OriginStandIn  = "stand-in"
)

// The files of a release. The last one lists the SHA-256 sums of the others.
const (
	k3sFile     = "k3s"
	imagesFile  = "k3s-airgap-images-amd64.tar"
	installFile = "install.sh"
	sumsFile    = "sha256sum-amd64.txt"
	// mirrorURLFile holds the address of a rig's mirror, for stack files to name.
	mirrorURLFile = "mirror.url"
)

var releaseFiles = []string{k3sFile, installFile, imagesFile, sumsFile}

// reachTimeout is how long the official release's host may take to answer before we take it for out of reach.
const reachTimeout = 5 * time.Second

// official is where K3s is released.
type official struct {
	// downloads and sources are the addresses that the version is appended to.
	downloads, sources string
}

func k3sProject() official {
	return official{
		downloads: "https://github.com/k3s-io/k3s/releases/download/",
		sources:   "https://raw.githubusercontent.com/k3s-io/k3s/",
	}
}

// OfficialOr gives the official K3s release where it can be had, else the stand-in that the function makes. A rig that has begun with
// one keeps it: its nodes run it.
func OfficialOr(standIn func(context.Context, *progress.Reporter) (dir string, err error), c *cache.Cache, p *progress.Reporter) ReleaseFunc {
	return k3sProject().or(standIn, c, p)
}

func (o official) or(standIn func(context.Context, *progress.Reporter) (string, error), c *cache.Cache, p *progress.Reporter) ReleaseFunc {
	return func(ctx context.Context, previous string) (string, string, error) {
		key := cache.NewKey(K3sVersion, o.downloads, o.sources)
		_, cached := c.Lookup("k3s-release", key)
		if previous == OriginOfficial || (previous == "" && (cached || o.reachable(ctx))) {
			dir, err := c.Get(ctx, "k3s-release", key, func(ctx context.Context, dir string) error {
				return p.Step(ctx, "download K3s "+K3sVersion, func(ctx context.Context) error { return o.download(ctx, dir) })
			})
			return dir, OriginOfficial, err
		}
		dir, err := standIn(ctx, p)
		return dir, OriginStandIn, err
	}
}

func (o official) file(name string) string {
	version := url.PathEscape(K3sVersion)
	// PathEscape leaves the plus sign alone; some proxies and servers take a bare one for a space.
	version = strings.ReplaceAll(version, "+", "%2B")
	if name == installFile {
		return o.sources + version + "/" + name
	}
	return o.downloads + version + "/" + name
}

// reachable tells whether the release answers.
func (o official) reachable(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, o.file(sumsFile), nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// download fills dir with the release: what the project publishes sums for is checked against them; for its installer it publishes
// none, so that one is taken from the tag over TLS, and its sum is added to the list that nodes check against.
func (o official) download(ctx context.Context, dir string) error {
	if _, err := o.fetch(ctx, sumsFile, filepath.Join(dir, sumsFile), 0o644); err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, name := range releaseFiles[:len(releaseFiles)-1] {
		got, err := o.fetch(ctx, name, filepath.Join(dir, name), 0o755)
		if err != nil {
			return err
		}
		if name != installFile {
			want, err := sumOf(string(list), name)
			if err != nil {
				return err
			}
			if got != want {
				return fmt.Errorf("%s: its SHA-256 sum is %s, not %s as published", o.file(name), got, want)
			}
		}
		fmt.Fprintf(&sums, "%s  %s\n", got, name)
	}
	return writeFile(filepath.Join(dir, sumsFile), []byte(sums.String()), 0o644)
}

// fetch downloads one file and returns its SHA-256 sum.
func (o official) fetch(ctx context.Context, name, path string, mode os.FileMode) (sum string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.file(name), nil)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", name, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("download %s: %s", o.file(name), resp.Status)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", name, err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), resp.Body)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("download %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sumOf finds a file's sum in a list as sha256sum prints it.
func sumOf(list, name string) (string, error) {
	lines := bufio.NewScanner(strings.NewReader(list))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && strings.TrimPrefix(f[1], "*") == name {
			return f[0], nil
		}
	}
	return "", errors.Join(fmt.Errorf("%s has no line for %s", sumsFile, name), lines.Err())
}
