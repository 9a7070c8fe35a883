package gobuild_test

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/gobuild"
)

func TestEnv(t *testing.T) {
	t.Setenv("GOGC", "50")
	t.Setenv("HOME", "/somewhere")
	env := gobuild.Env("GOOS=linux")
	require.Contains(t, env, "HOME=/somewhere")
	require.Contains(t, env, "GOGC=50")
	require.NotContains(t, env, "GOGC=400", "who has set it is asked for nothing else")
	require.Contains(t, env, "GOMEMLIMIT=4GiB")
	require.Equal(t, "GOOS=linux", env[len(env)-1])
}

func TestStatic(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module x\n\ngo 1.26\n", "cmd/main.go": "package main\n\nfunc main() { println(\"here it is\") }\n"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	program, err := gobuild.Static(t.Context(), root, "./cmd")
	require.NoError(t, err)
	file, err := elf.NewFile(bytes.NewReader(program))
	require.NoError(t, err)
	require.Equal(t, elf.EM_X86_64, file.Machine)
	for _, p := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "it needs no dynamic linker")
	}
	require.Contains(t, string(program), "here it is")

	_, err = gobuild.Static(t.Context(), root, "./none")
	require.ErrorContains(t, err, "build ./none: ")
}
