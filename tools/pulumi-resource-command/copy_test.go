package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/sshtest"
)

const copyToRemote = "command:remote:CopyToRemote"

func TestCopyToRemote(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	tests := map[string]struct {
		// source is a file or a folder, as given; there is what the host has already. Folders end in a slash.
		source string
		there  []string
		target string
		want   map[string]string
		err    string
	}{
		"a file to a new name":        {source: "src/a", target: "new", want: map[string]string{"new": "A"}},
		"a file over a file":          {source: "src/a", there: []string{"old"}, target: "old", want: map[string]string{"old": "A"}},
		"a file into a folder":        {source: "src/a", there: []string{"dir/"}, target: "dir", want: map[string]string{"dir/a": "A"}},
		"a file below nothing":        {source: "src/a", target: "no/new", err: "create remote file"},
		"a folder to a new name":      {source: "src", target: "new", want: map[string]string{"new/src/a": "A", "new/src/sub/b": "B"}},
		"a folder's content":          {source: "src/", target: "new", want: map[string]string{"new/a": "A", "new/sub/b": "B"}},
		"a folder into a folder":      {source: "src", there: []string{"dir/"}, target: "dir", want: map[string]string{"dir/src/a": "A", "dir/src/sub/b": "B"}},
		"a folder over what is there": {source: "src/", there: []string{"dir/", "dir/a"}, target: "dir", want: map[string]string{"dir/a": "A", "dir/sub/b": "B"}},
		"a folder over a file":        {source: "src", there: []string{"old"}, target: "old", err: "exists but is not a directory"},
		"a source that is missing":    {source: "nothing", target: "new", err: "no such file or directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, host := t.TempDir(), t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(here, "src/sub"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(here, "src/a"), []byte("A"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(here, "src/sub/b"), []byte("B"), 0o600))
			for _, name := range tt.there {
				if name[len(name)-1] == '/' {
					require.NoError(t, os.Mkdir(filepath.Join(host, name), 0o755))
				} else {
					require.NoError(t, os.WriteFile(filepath.Join(host, name), []byte("longer than before"), 0o600))
				}
			}
			source := resource.NewProperty(&asset.Asset{Sig: asset.AssetSig, Hash: "1", Path: here + "/" + tt.source})
			if info, err := os.Stat(filepath.Join(here, tt.source)); err == nil && info.IsDir() {
				source = resource.NewProperty(&archive.Archive{Sig: archive.ArchiveSig, Hash: "1", Path: here + "/" + tt.source})
			}
			r := newPlugin(t).Resource(copyToRemote, "copy")
			inputs := resource.PropertyMap{
				"connection": connection(server, nil), "source": source, "remotePath": resource.NewProperty(filepath.Join(host, tt.target)),
			}
			require.NoError(t, r.Create(t.Context(), inputs, true), "a preview copies nothing")
			err := r.Create(t.Context(), inputs, false)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.NotEmpty(t, r.ID)
			require.Equal(t, tt.want, files(t, host))
		})
	}
}

func TestCopyToRemoteUpdate(t *testing.T) {
	t.Parallel()
	first, second := sshtest.Start(t, sshtest.Options{}), sshtest.Start(t, sshtest.Options{})
	source, target := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	require.NoError(t, os.WriteFile(source, []byte("1"), 0o600))
	inputs := func(s *sshtest.Server, hash string) resource.PropertyMap {
		return resource.PropertyMap{
			"connection": connection(s, nil), "remotePath": resource.NewProperty(target),
			"source": resource.NewProperty(&asset.Asset{Sig: asset.AssetSig, Hash: hash, Path: source}),
		}
	}
	r := newPlugin(t).Resource(copyToRemote, "copy")
	require.NoError(t, r.Create(t.Context(), inputs(first, "1"), false))
	changes, _ := r.Diff(inputs(first, "1"))
	require.Empty(t, changes)

	require.NoError(t, os.WriteFile(source, []byte("2"), 0o600))
	changes, replaces := r.Diff(inputs(first, "2"))
	require.Equal(t, []string{"source"}, changes)
	require.Empty(t, replaces)
	require.NoError(t, r.Update(t.Context(), inputs(first, "2"), false))
	content, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Equal(t, "2", string(content))

	require.NoError(t, r.Update(t.Context(), inputs(second, "2"), false))
	require.Equal(t, 1, second.Dials(), "another host needs the file too")
	require.NoError(t, r.Delete(t.Context()))
	require.FileExists(t, target)
}

func TestCopyToRemoteCheck(t *testing.T) {
	t.Parallel()
	server := sshtest.Start(t, sshtest.Options{})
	tests := map[string]struct {
		source resource.PropertyValue
		want   []string
	}{
		"a text asset": {
			resource.NewProperty(&asset.Asset{Sig: asset.AssetSig, Text: "text"}),
			[]string{"source: must be a FileAsset or a FileArchive with a path"},
		},
		"not known yet": {resource.MakeComputed(resource.NewProperty("")), nil},
		"a path":        {resource.NewProperty(&asset.Asset{Sig: asset.AssetSig, Path: "/etc/hostname"}), nil},
	}
	for name, tt := range tests {
		r := newPlugin(t).Resource(copyToRemote, "check")
		require.Equal(t, tt.want, r.Check(resource.PropertyMap{
			"connection": connection(server, nil), "remotePath": resource.NewProperty("/tmp/x"), "source": tt.source,
		}), name)
	}
}

// files maps every file below root to its content.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[path[len(root)+1:]] = string(content)
		return err
	}))
	return found
}
