package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNowGoesOn(t *testing.T) {
	t.Parallel()
	before := Now()
	require.Positive(t, before)
	require.GreaterOrEqual(t, Now(), before)
}

func TestFindAndLLVM(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := find([]string{"/nowhere", dir})
	require.EqualError(t, err, "there is no libwasmedge.so.0 in any of /nowhere, "+dir)

	// Libraries of one function each, one of them linked with one that has LLVM's name.
	source := filepath.Join(dir, "f.c")
	require.NoError(t, os.WriteFile(source, []byte("int f(void) { return 0; }\n"), 0o600))
	llvm, library := filepath.Join(dir, "libLLVM.so.19.1"), filepath.Join(dir, soname)
	for _, args := range [][]string{
		{"-o", llvm, "-Wl,-soname,libLLVM.so.19.1", source},
		{"-o", library, "-Wl,--no-as-needed", source, llvm},
	} {
		out, err := exec.Command("cc", append([]string{"-shared", "-fPIC"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	path, err := find([]string{"/nowhere", dir})
	require.NoError(t, err)
	require.Equal(t, library, path)
	name, err := llvmOf(path)
	require.NoError(t, err)
	require.Equal(t, "libLLVM.so.19.1", name)
	name, err = llvmOf(llvm)
	require.NoError(t, err)
	require.Empty(t, name)
	_, err = llvmOf(source)
	require.ErrorContains(t, err, "read "+source)
}
