package rig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/progress"
)

// releaseHost serves a K3s release as its project does, with the given sum for the binary. It counts the requests.
func releaseHost(t *testing.T, k3sSum string) (official, *atomic.Int32) {
	var requests atomic.Int32
	files := map[string]string{
		"/dl/v1.30.4%2Bk3s1/k3s":                         "the binary",
		"/dl/v1.30.4%2Bk3s1/k3s-airgap-images-amd64.tar": "the images",
		"/dl/v1.30.4%2Bk3s1/sha256sum-amd64.txt":         k3sSum + "  k3s\n" + sum("the images") + "  k3s-airgap-images-amd64.tar\n",
		"/src/v1.30.4%2Bk3s1/install.sh":                 "the installer",
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		content, ok := files[r.URL.EscapedPath()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, content)
	}))
	t.Cleanup(s.Close)
	return official{downloads: s.URL + "/dl/", sources: s.URL + "/src/"}, &requests
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func TestOfficialRelease(t *testing.T) {
	t.Parallel()
	o, requests := releaseHost(t, sum("the binary"))
	get := o.or(noStandIn(t), cache.At(t.TempDir()), progress.New(io.Discard))
	dir, origin, err := get(context.Background(), "")
	require.NoError(t, err)
	require.Equal(t, OriginOfficial, origin)
	sums, err := os.ReadFile(filepath.Join(dir, sumsFile))
	require.NoError(t, err)
	require.Equal(t, sum("the binary")+"  k3s\n"+sum("the installer")+"  install.sh\n"+sum("the images")+"  k3s-airgap-images-amd64.tar\n",
		string(sums))

	before := requests.Load()
	again, _, err := get(context.Background(), "")
	require.NoError(t, err)
	require.Equal(t, dir, again)
	require.Equal(t, before, requests.Load(), "the second time comes from the cache")
}

func TestOfficialReleaseWithAWrongSumIsRefused(t *testing.T) {
	t.Parallel()
	o, _ := releaseHost(t, sum("another binary"))
	_, _, err := o.or(noStandIn(t), cache.At(t.TempDir()), progress.New(io.Discard))(context.Background(), "")
	require.ErrorContains(t, err, "its SHA-256 sum is "+sum("the binary")+", not "+sum("another binary"))
}

func TestStandInWhereTheReleaseIsOutOfReach(t *testing.T) {
	t.Parallel()
	reachable, requests := releaseHost(t, sum("the binary"))
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	tests := map[string]struct {
		from     official
		previous string
	}{
		"it answers with an error": {from: official{downloads: gone.URL + "/"}},
		"nobody listens":           {from: official{downloads: "http://127.0.0.1:1/"}},
		"the rig has the stand-in": {from: reachable, previous: OriginStandIn},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			standIn := func(context.Context, *progress.Reporter) (string, error) { return "/stand-in", nil }
			dir, origin, err := tt.from.or(standIn, cache.At(t.TempDir()), progress.New(io.Discard))(context.Background(), tt.previous)
			require.NoError(t, err)
			require.Equal(t, OriginStandIn, origin)
			require.Equal(t, "/stand-in", dir)
		})
	}
	t.Cleanup(func() { require.Zero(t, requests.Load(), "a rig keeps what its nodes run, without asking") })
}

func TestSumOf(t *testing.T) {
	t.Parallel()
	list := "aa  k3s-arm64\nbb *k3s\n\nnot a sum line\n"
	got, err := sumOf(list, "k3s")
	require.NoError(t, err)
	require.Equal(t, "bb", got)
	_, err = sumOf(list, "install.sh")
	require.EqualError(t, err, "sha256sum-amd64.txt has no line for install.sh")
}

func TestCopyReleaseBringsChangesAndNothingElse(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "v")
	write := func(name, content string) {
		path := filepath.Join(from, name)
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	for _, name := range append(releaseFiles, "notes") {
		write(name, "1")
	}
	require.NoError(t, copyRelease(from, to))
	require.NoFileExists(t, filepath.Join(to, "notes"))
	write(k3sFile, "22")
	require.NoError(t, copyRelease(from, to))
	got, err := os.ReadFile(filepath.Join(to, k3sFile))
	require.NoError(t, err)
	require.Equal(t, "22", string(got))
	require.NoError(t, os.Remove(filepath.Join(from, installFile)))
	require.ErrorContains(t, copyRelease(from, to), installFile)
}

func noStandIn(t *testing.T) func(context.Context, *progress.Reporter) (string, error) {
	return func(context.Context, *progress.Reporter) (string, error) {
		t.Error("the stand-in was asked for")
		return "", nil
	}
}
