package wasmlight

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/command"
)

// library is a libwasmedge: it has something that is called with LLVM and something that is called without, and looks at a variable of LLVM's.
const library = `
extern int LLVMCompile(void);
extern int llvm_strategy;
extern void _ZN4llvm17deallocate_bufferEPvmm(void *, unsigned long, unsigned long);
int run(void) { return llvm_strategy; }
int compile(void) { return LLVMCompile(); }
__attribute__((destructor)) static void end(void) { _ZN4llvm17deallocate_bufferEPvmm(0, 0, 0); }
`

const llvm = `
int llvm_strategy = 7;
int LLVMCompile(void) { return 0; }
void _ZN4llvm17deallocate_bufferEPvmm(void *p, unsigned long size, unsigned long alignment) { }
`

// crun prints what it is told, and runs or compiles with what it is linked with.
const crun = `
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
	void *lib = dlopen("libwasmedge.so.0", RTLD_NOW);
	if (!lib) { puts(dlerror()); return 1; }
	printf("%s %d\n", argv[1], ((int (*)(void))dlsym(lib, argv[1]))());
	return 0;
}
`

// host makes the file system of a host, and returns the path of its crun. It stands at its own place, so that it finds its library as Debian's does.
func host(t *testing.T) (root, bin string) {
	t.Helper()
	root = t.TempDir()
	lib := filepath.Join(root, "usr", "lib", "triplet")
	require.NoError(t, os.MkdirAll(lib, 0o755))
	for name, text := range map[string]string{"llvm.c": llvm, "wasmedge.c": library, "crun.c": crun, "llvm.map": "LLVM_19.1 { global: *; };"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	bin = filepath.Join(root, "crun")
	for _, args := range [][]string{
		{"-shared", "-fPIC", "-Wl,-soname,libLLVM.so.19.1", "-Wl,--version-script=llvm.map", "-o", lib + "/libLLVM.so.19.1", "llvm.c"},
		{"-shared", "-fPIC", "-Wl,-soname,libwasmedge.so.0", "-o", lib + "/libwasmedge.so.0", "wasmedge.c", lib + "/libLLVM.so.19.1", "-Wl,-rpath,$ORIGIN"},
		{"-o", bin, "crun.c", "-Wl,-rpath," + lib},
	} {
		_, err := command.Cmd{Dir: root}.Run(context.Background(), "cc", args...)
		require.NoError(t, err)
	}
	return root, bin
}

func TestWithoutLLVM(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	root, bin := host(t)
	out, err := command.Run(ctx, bin, "run")
	require.NoError(t, err)
	require.Equal(t, "run 7", out)

	require.NoError(t, Build(ctx, root))
	light := filepath.Join(root, Folder)
	// The starter is made for a host's own root, so here crun is started as it does it.
	started := func(function string) ([]byte, error) {
		cmd := exec.Command(bin, function)
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+light)
		return cmd.CombinedOutput()
	}
	got, err := started("run")
	require.NoError(t, err, string(got))
	require.Equal(t, "run 0\n", string(got))
	got, err = started("compile")
	require.Error(t, err)
	require.Contains(t, string(got), "it cannot compile any, for it has no LLVM")
}

func TestTheStarter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	told := filepath.Join(dir, "crun")
	require.NoError(t, os.WriteFile(told, []byte("#!/bin/sh\necho \"$LD_LIBRARY_PATH\" \"$@\"\n"), 0o700))
	for name, path := range map[string]string{"there": told, "not there": filepath.Join(dir, "none")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin := filepath.Join(t.TempDir(), "starter")
			_, err := command.Run(context.Background(), "cc", "-static", `-DFOLDER="/a folder"`, `-DCRUN="`+path+`"`, "-o", bin, filepath.Join("light", starter))
			require.NoError(t, err)
			got, err := exec.Command(bin, "create", "a b").CombinedOutput()
			if path != told {
				require.ErrorContains(t, err, "exit status 127")
				require.Contains(t, string(got), "edge-arena: start "+path+": No such file")
				return
			}
			require.NoError(t, err)
			require.Equal(t, "/a folder create a b\n", string(got))
		})
	}
}

// sealed prints whether it is told that nobody can write to it, and whether that is so.
const sealed = `
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
int main(void) {
	struct statvfs fs;
	if (statvfs("/proc/self/exe", &fs) != 0) return 1;
	printf("told %s, is %d\n", getenv("_LIBCONTAINER_CLONED_BINARY") ? "so" : "not", (fs.f_flag & ST_RDONLY) != 0);
	return 0;
}
`

// crun takes the variable for the promise that no container can write to the program, and then does not see to it itself.
func TestTheStarterSealsWhatItStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, crun, bin := filepath.Join(dir, "sealed.c"), filepath.Join(dir, "crun"), filepath.Join(dir, "starter")
	require.NoError(t, os.WriteFile(source, []byte(sealed), 0o600))
	_, err := command.Run(context.Background(), "cc", "-o", crun, source)
	require.NoError(t, err)
	_, err = command.Run(context.Background(), "cc", "-static", `-DFOLDER="/none"`, `-DCRUN="`+crun+`"`, "-o", bin, filepath.Join("light", starter))
	require.NoError(t, err)

	want := "told so, is 1"
	if os.Geteuid() != 0 {
		want = "told not, is 0" // only root may make mounts
	}
	got, err := command.Run(context.Background(), bin)
	require.NoError(t, err)
	require.Equal(t, want, got)

	// Where no mount can be made, what is started must not be told that it was.
	unprivileged := exec.Command(bin)
	unprivileged.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if os.Geteuid() == 0 {
		for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
			require.NoError(t, os.Chmod(d, 0o755))
		}
	} else {
		unprivileged.SysProcAttr = nil
	}
	out, err := unprivileged.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "told not, is 0\n", string(out))
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	root := t.TempDir()
	require.ErrorContains(t, Build(ctx, root), "0 libraries libwasmedge.so.0 are below ")

	// One that has no LLVM is as it should be already: nothing can be left out, and nothing must be said to be.
	lib := filepath.Join(root, "usr", "lib", "triplet")
	require.NoError(t, os.MkdirAll(lib, 0o755))
	source := filepath.Join(root, "f.c")
	require.NoError(t, os.WriteFile(source, []byte("int f(void) { return 0; }\n"), 0o600))
	_, err := command.Run(ctx, "cc", "-shared", "-fPIC", "-o", filepath.Join(lib, "libwasmedge.so.0"), source)
	require.NoError(t, err)
	require.ErrorContains(t, Build(ctx, root), "is not linked with LLVM")
}
