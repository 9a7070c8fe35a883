package stages

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// wasi is WasmEdge_HostRegistration_Wasi.
const wasi = 0

// Run runs the module, and gives the marks to ready just before the module's own code runs. It returns when the module has ended.
func Run(job Job, ready func(Marks) error) error {
	main := Now()
	path, err := find(folders())
	if err != nil {
		return err
	}
	llvm, err := llvmOf(path)
	if err != nil {
		return err
	}
	m := Marks{Main: main, Begin: Now()}
	if llvm != "" {
		if _, err := link(llvm); err != nil {
			return err
		}
	}
	m.LLVM = Now()
	library, err := link(path)
	if err != nil {
		return err
	}
	m.Library = Now()
	vm, err := newMachine(library, job)
	if err != nil {
		return err
	}
	m.Machine = Now()
	if err := vm.step("load", "WasmEdge_VMLoadWasmFromFile", vm.pointer, vm.bytes(job.Program)); err != nil {
		return err
	}
	m.Load = Now()
	if err := vm.step("validate", "WasmEdge_VMValidate", vm.pointer); err != nil {
		return err
	}
	m.Validate = Now()
	if err := vm.step("instantiate", "WasmEdge_VMInstantiate", vm.pointer); err != nil {
		return err
	}
	m.Instantiate = Now()
	if err := ready(m); err != nil {
		return err
	}
	// A WasmEdge_String of 16 bytes is passed in two registers: its length, and where it is.
	start := "_start"
	return vm.step("run", "WasmEdge_VMExecute", vm.pointer, uintptr(len(start)), vm.bytes(start), 0, 0, 0, 0)
}

// machine is a WasmEdge_VMContext.
type machine struct {
	library, pointer uintptr
	// pinned are held where they are for as long as the process lives: WasmEdge keeps what it is given.
	pinned runtime.Pinner
}

// newMachine sets a machine up as crun does.
func newMachine(library uintptr, job Job) (*machine, error) {
	m := &machine{library: library}
	conf, err := m.call("WasmEdge_ConfigureCreate")
	if err != nil {
		return nil, err
	}
	if _, err := m.call("WasmEdge_ConfigureAddHostRegistration", conf, wasi); err != nil {
		return nil, err
	}
	if m.pointer, err = m.call("WasmEdge_VMCreate", conf, 0); err != nil {
		return nil, err
	}
	module, err := m.call("WasmEdge_VMGetImportModuleContext", m.pointer, wasi)
	if err != nil {
		return nil, err
	}
	args, nArgs := m.list([]string{job.Program})
	env, nEnv := m.list(job.Env)
	folders, nFolders := m.list([]string{"/:" + job.Root})
	_, err = m.call("WasmEdge_ModuleInstanceInitWASI", module, args, nArgs, env, nEnv, folders, nFolders)
	return m, err
}

func (m *machine) call(function string, args ...uintptr) (uintptr, error) {
	address, err := purego.Dlsym(m.library, function)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", function, err)
	}
	result, _, _ := purego.SyscallN(address, args...)
	return result, nil
}

// step calls a function that gives a WasmEdge_Result: four bytes, of which the lower three are the error's code and 1 is a module that ended itself.
func (m *machine) step(what, function string, args ...uintptr) error {
	result, err := m.call(function, args...)
	if err != nil {
		return err
	}
	if code := uint32(result) & 0xffffff; code > 1 {
		return fmt.Errorf("%s: WasmEdge says error %#x", what, code)
	}
	return nil
}

// bytes is a C string.
func (m *machine) bytes(s string) uintptr {
	b := append([]byte(s), 0)
	m.pinned.Pin(&b[0])
	return uintptr(unsafe.Pointer(&b[0]))
}

// list is an array of C strings, and its length.
func (m *machine) list(all []string) (array, n uintptr) {
	if len(all) == 0 {
		return 0, 0
	}
	pointers := make([]uintptr, len(all))
	for i, s := range all {
		pointers[i] = m.bytes(s)
	}
	m.pinned.Pin(&pointers[0])
	return uintptr(unsafe.Pointer(&pointers[0])), uintptr(len(all))
}
