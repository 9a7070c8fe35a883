package rig

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSnapshotDiff(t *testing.T) {
	t.Parallel()
	before, err := parseSnapshot("mounts\t/ ext4\nprocesses\tsshd\nprocesses\tinit\n")
	require.NoError(t, err)
	tests := map[string]struct{ after, want string }{
		"nothing":          {after: "processes\tinit\nmounts\t/ ext4\nprocesses\tsshd\n"},
		"one came":         {after: "mounts\t/ ext4\nmounts\t/run/x nsfs\nprocesses\tinit\nprocesses\tsshd\n", want: "mounts:\n  + /run/x nsfs\n"},
		"one went":         {after: "mounts\t/ ext4\nprocesses\tinit\n", want: "processes:\n  - sshd\n"},
		"a second one":     {after: "mounts\t/ ext4\nprocesses\tinit\nprocesses\tinit\nprocesses\tsshd\n", want: "processes:\n  + init\n"},
		"a section of new": {after: "mounts\t/ ext4\nprocesses\tinit\nprocesses\tsshd\nrun\t/run/k3s d\n", want: "run:\n  + /run/k3s d\n"},
		"all went":         {want: "mounts:\n  - / ext4\nprocesses:\n  - init\n  - sshd\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, err := parseSnapshot(tt.after)
			require.NoError(t, err)
			require.Equal(t, tt.want, before.Diff(after).String())
			require.Empty(t, before.Diff(after).Without("mounts", "processes", "run"))
		})
	}
	_, err = parseSnapshot("no section\n")
	require.ErrorContains(t, err, `unexpected line "no section"`)
}

func TestDiffOutside(t *testing.T) {
	t.Parallel()
	d := Diff{"files": {Added: []string{"/var/ours 700", "/var/ours/a 644", "/var/ours2 644"}, Removed: []string{"/etc/x 644"}}, "others": {Added: []string{"/var/ours/b 644"}}}
	require.Equal(t, "files:\n  - /etc/x 644\n  + /var/ours2 644\n", d.Outside("/var/ours").String())
}
