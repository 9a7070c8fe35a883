package storage

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/internal/mocks"
)

// run runs the script with the folders of volumes below at.
func run(t *testing.T, at string, args ...string) (string, error) {
	t.Helper()
	// In place of root, so that the test needs not be root.
	cmd := exec.Command("sh", append([]string{"-s", "--"}, args...)...)
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(script, root, at))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestScript(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "volumes")
	folder, me := filepath.Join(at, "east.shanghai", "nats"), strconv.Itoa(os.Getuid())
	other := filepath.Join(at, "east.shanghai", "lobby")
	for range 2 {
		_, err := run(t, at, "make", folder, me)
		require.NoError(t, err)
	}
	_, err := run(t, at, "make", other, me)
	require.NoError(t, err)
	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	data := filepath.Join(folder, "data")
	require.NoError(t, os.WriteFile(data, []byte("results"), 0o600))

	_, err = run(t, at, "make", folder, me)
	require.NoError(t, err)
	require.FileExists(t, data, "to make it again takes nothing away")
	out, err := run(t, at, "remove", folder, "yes")
	require.NoError(t, err)
	require.Contains(t, out, folder+" was kept")
	require.FileExists(t, data)

	_, err = run(t, at, "remove", folder, "no")
	require.NoError(t, err)
	require.NoDirExists(t, folder)
	require.DirExists(t, other)
	out, err = run(t, at, "remove", folder, "yes")
	require.NoError(t, err)
	require.Empty(t, out, "nothing was kept")
	_, err = run(t, at, "remove", other, "no")
	require.NoError(t, err)
	require.NoDirExists(t, at, "nothing is left behind")
}

func TestScriptTouchesNothingElse(t *testing.T) {
	t.Parallel()
	at := t.TempDir()
	for _, folder := range []string{"/", "", at, filepath.Join(at, "east.shanghai"), filepath.Join(filepath.Dir(at), "other", "a", "b")} {
		for _, action := range []string{"make", "remove"} {
			out, err := run(t, at, action, folder, "no")
			require.Error(t, err, folder)
			require.Contains(t, out, "is not the folder of a volume")
		}
	}
}

func TestNewVolumeRefuses(t *testing.T) {
	t.Parallel()
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewVolume(ctx, "x", &VolumeArgs{Owner: "shanghai"})
		return err
	}, pulumi.WithMocks("edge-arena", "test", &mocks.Graph{}))
	for _, want := range []string{"volume x: owner: required", "name: required", "namespace: required", "user: required", "cluster: required"} {
		require.ErrorContains(t, err, want)
	}
}

func TestNoTwoCitiesShareAFolder(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, VolumeArgs{Owner: "a-b/c", Name: "n"}.folder(), VolumeArgs{Owner: "a/b-c", Name: "n"}.folder())
	require.Equal(t, root+"/east.shanghai/nats", VolumeArgs{Owner: "east/shanghai", Name: "nats"}.folder())
}
