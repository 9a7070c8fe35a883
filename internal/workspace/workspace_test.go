package workspace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenFindsTheCheckoutFromBelow(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	below := filepath.Join(root, "modules", "k3s")
	require.NoError(t, os.MkdirAll(below, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), nil, 0o600))
	w, err := Open(below)
	require.NoError(t, err)
	require.Equal(t, root, w.Root)
	require.Equal(t, filepath.Join(root, ".arena", "rig", "ssh_config"), w.Path("rig", "ssh_config"))
}

func TestOpenOutsideACheckoutNamesTheMend(t *testing.T) {
	t.Parallel()
	_, err := Open(t.TempDir())
	require.ErrorContains(t, err, "no Pulumi.yaml in it or above it): run arena from one")
}
