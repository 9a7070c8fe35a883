package toolchain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/edge-arena/edge-arena/internal/command"
)

const (
	cliName  = "pulumi"
	hostName = "pulumi-language-go"
	// A CLI from PATH must be of minCLI or newer, for the program's SDK is of that version and an SDK may use what only an engine of
	// its own age or newer offers; and older than belowCLI, for a major version may break anything.
	minCLI   = "v3.200.0"
	belowCLI = "v4.0.0"

	cliModule  = "github.com/pulumi/pulumi/pkg/v3"
	hostModule = "github.com/pulumi/pulumi/sdk/go/pulumi-language-go/v3"
)

// cli returns the CLI and its language host, from PATH if they will do.
func (m *maker) cli(ctx context.Context) ([]Part, error) {
	parts, why := m.cliOnPath(ctx)
	if why == "" {
		return parts, nil
	}
	cli, host := module{m.root, "pulumi"}, module{m.root, hostName}
	cliVersion, err := cli.version(cliModule)
	if err != nil {
		return nil, err
	}
	hostVersion, err := host.version(hostModule)
	if err != nil {
		return nil, err
	}
	key, err := m.buildKey(ctx, cli, host)
	if err != nil {
		return nil, err
	}
	// Both are in one entry, for the CLI looks for the language host beside itself.
	dir, err := m.cache.Get(ctx, "pulumi", key, func(ctx context.Context, dir string) error {
		m.progress.Note("Pulumi is built from its Go modules: %s", why)
		err := m.build(ctx, cli, "the Pulumi CLI "+cliVersion, cliModule+"/cmd/pulumi", filepath.Join(dir, cliName),
			"-ldflags", "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version="+cliVersion)
		if err != nil {
			return err
		}
		return m.build(ctx, host, "Pulumi's host for Go programs", hostModule, filepath.Join(dir, hostName), "-ldflags", "-s -w")
	})
	if err != nil {
		return nil, err
	}
	return []Part{
		{Name: cliName, Version: cliVersion, Path: filepath.Join(dir, cliName), Origin: "built from " + cliModule + "@" + cliVersion},
		{Name: hostName, Version: hostVersion, Path: filepath.Join(dir, hostName), Origin: "built from " + hostModule + "@" + hostVersion},
	}, nil
}

// cliOnPath returns the CLI and the language host that PATH has, or why they won't do.
func (m *maker) cliOnPath(ctx context.Context) (_ []Part, why string) {
	path, err := exec.LookPath(cliName)
	if err != nil {
		return nil, "there is no pulumi on PATH"
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err.Error()
	}
	if strings.HasPrefix(path, m.cache.Root()+string(filepath.Separator)) {
		return nil, path + " is one that was built here"
	}
	version, err := command.Cmd{Env: m.quietEnv(homeDir(m.root))}.Run(ctx, path, "version")
	if err != nil {
		return nil, fmt.Sprintf("%s does not tell its version: %v", path, err)
	}
	if why := unsuitable(version); why != "" {
		return nil, fmt.Sprintf("%s is %s, %s", path, version, why)
	}
	// As the CLI itself does: it looks beside what it really is, not beside a link to it.
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err.Error()
	}
	host := filepath.Join(filepath.Dir(target), hostName)
	if info, err := os.Stat(host); err != nil || info.Mode()&0o100 == 0 {
		return nil, fmt.Sprintf("%s has no %s beside it", target, hostName)
	}
	return []Part{
		{Name: cliName, Version: version, Path: path, Origin: "PATH"},
		{Name: hostName, Version: version, Path: host, Origin: "PATH"},
	}, ""
}

// unsuitable says why a CLI of that version won't do, or nothing.
func unsuitable(version string) string {
	switch {
	case !semver.IsValid(version):
		return "which is no version"
	case semver.Compare(version, minCLI) < 0:
		return "older than " + minCLI
	case semver.Compare(version, belowCLI) >= 0:
		return "not older than " + belowCLI
	}
	return ""
}

// quietEnv is the environment for a CLI that is only asked or told something: with a home of ours and no check for updates.
func (m *maker) quietEnv(home string) []string {
	return append(os.Environ(), "PULUMI_HOME="+home, "PULUMI_SKIP_UPDATE_CHECK=true")
}
