package stages

import (
	"debug/elf"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ebitengine/purego"
)

// soname is the library that crun loads for a Wasm container.
const soname = "libwasmedge.so.0"

// folders are where Debian and others keep shared libraries.
func folders() []string {
	return []string{"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"}
}

// llvmOf is the name under which the library wants LLVM, or nothing where it was built without.
func llvmOf(path string) (name string, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	needed, err := f.ImportedLibraries()
	if err != nil {
		return "", fmt.Errorf("read what %s is linked with: %w", path, err)
	}
	for _, n := range needed {
		if strings.HasPrefix(n, "libLLVM") {
			return n, nil
		}
	}
	return "", nil
}

// find looks for the library's file.
func find(folders []string) (string, error) {
	for _, folder := range folders {
		path := filepath.Join(folder, soname)
		if f, err := elf.Open(path); err == nil {
			return path, f.Close()
		}
	}
	return "", fmt.Errorf("there is no %s in any of %s", soname, strings.Join(folders, ", "))
}

// link links a shared library and all that it needs into this process, and resolves it wholly, as crun does.
func link(name string) (uintptr, error) {
	handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return 0, fmt.Errorf("link %s: %w", name, err)
	}
	return handle, nil
}
