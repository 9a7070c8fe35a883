//go:build wasip1

package wasi

import (
	"strings"
	"syscall"
	"unsafe"
)

// rootFd is the descriptor of the root folder: crun hands a module this one folder, and descriptors of folders begin at 3.
const rootFd = 3

// rightRead and rightSeek are the rights that reading a file takes.
const (
	rightRead = 1 << 1
	rightSeek = 1 << 2
)

//go:wasmimport wasi_snapshot_preview1 path_open
//go:noescape
func pathOpen(dir int32, lookup uint32, path *byte, size uint32, create uint32, base, inheriting uint64, flags uint32, fd *int32) uint32

// OpenRead opens the file at the absolute path for reading. [syscall.Open] asks for rights to write that the opened file might hand
// on, which WasmEdge 0.14.1 takes for opening it to write: that fails for all but root.
func OpenRead(path string) (int, error) {
	name := strings.TrimPrefix(path, "/")
	var fd int32
	if errno := pathOpen(rootFd, 0, unsafe.StringData(name), uint32(len(name)), 0, rightRead|rightSeek, 0, 0, &fd); errno != 0 {
		return -1, syscall.Errno(errno)
	}
	return int(fd), nil
}
