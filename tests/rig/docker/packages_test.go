package docker

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A machine that has just booted is often at its own updates: apt refuses at once then, unless it is told to wait.
func TestInstallWaitsForAnotherApt(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("packages are installed by root alone")
	}
	bin := t.TempDir()
	for name, script := range map[string]string{
		"dpkg-query": "",
		"apt-get":    `case "$*" in *install*) case "$*" in *"DPkg::Lock::Timeout=300"*) ;; *) echo "E: Could not get lock"; exit 100 ;; esac ;; esac`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700)) //nolint:gosec // It is to be run.
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	m := Machine{Lib: filepath.Join(t.TempDir(), "lib"), Run: t.TempDir()}
	require.NoError(t, m.Install(context.Background(), "debootstrap"))
}
