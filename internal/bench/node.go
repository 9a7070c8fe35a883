package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/edge-arena/edge-arena/internal/bench/coldstart"
	"github.com/edge-arena/edge-arena/internal/bench/proc"
	"github.com/edge-arena/edge-arena/internal/command"
)

// node is the city's node, as its operator reaches it.
type node struct {
	sshConfig, name string
	// probe is where the program nodeprobe lies on it.
	probe string
}

// openNode brings the program nodeprobe to a node. It is built from the tree at root.
func openNode(ctx context.Context, root, sshConfig, name string) (n *node, err error) {
	dir, err := os.MkdirTemp("", "arena-bench-")
	if err != nil {
		return nil, fmt.Errorf("build nodeprobe: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "nodeprobe")
	build := command.Cmd{Dir: root, Env: append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")}
	if _, err := build.Run(ctx, "go", "build", "-trimpath", "-o", file, "./internal/bench/nodeprobe"); err != nil {
		return nil, fmt.Errorf("build nodeprobe: %w", err)
	}
	n = &node{sshConfig: sshConfig, name: name}
	// Not in /tmp: elsewhere it might be mounted noexec.
	folder, err := n.run(ctx, nil, "mktemp -d /run/arena-bench-XXXXXX")
	if err != nil {
		return nil, err
	}
	n.probe = folder + "/nodeprobe"
	program, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("copy nodeprobe: %w", err), n.close(ctx))
	}
	if _, err := n.run(ctx, bytes.NewReader(program), "cat >"+n.probe+" && chmod 700 "+n.probe); err != nil {
		return nil, errors.Join(err, n.close(ctx))
	}
	return n, nil
}

// close removes the program from the node.
func (n *node) close(ctx context.Context) error {
	_, err := n.run(ctx, nil, "rm -r "+filepath.Dir(n.probe))
	return err
}

// run runs a shell command on the node.
func (n *node) run(ctx context.Context, stdin io.Reader, script string) (string, error) {
	out, err := command.Cmd{Stdin: stdin}.Run(ctx, "ssh", "-F", n.sshConfig, n.name, script)
	if err != nil {
		return "", fmt.Errorf("node %s: %w", n.name, err)
	}
	return out, nil
}

func (n *node) ask(ctx context.Context, question, answer any, args string) error {
	stdin, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.name, err)
	}
	out, err := n.run(ctx, bytes.NewReader(stdin), n.probe+" "+args)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), answer); err != nil {
		return fmt.Errorf("node %s: read nodeprobe's answer: %w", n.name, err)
	}
	return nil
}

// processes lists the node's processes. memory asks for what each of them holds as well.
func (n *node) processes(ctx context.Context, memory bool) (s proc.Sample, err error) {
	return s, n.ask(ctx, nil, &s, "processes -memory="+strconv.FormatBool(memory))
}

func (n *node) coldStart(ctx context.Context, job coldstart.Job) (r coldstart.Result, err error) {
	return r, n.ask(ctx, job, &r, "coldstart")
}

// diskUsage is how many bytes of the node's disk a folder takes.
func (n *node) diskUsage(ctx context.Context, folder string) (int64, error) {
	out, err := n.run(ctx, nil, "du -sxB1 "+folder)
	if err != nil {
		return 0, err
	}
	size, _, _ := strings.Cut(out, "\t")
	bytes, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("node %s: size of %s: %w", n.name, folder, err)
	}
	return bytes, nil
}

// importImage loads an OCI archive into the node's containerd, where pods with pull policy Never find it.
func (n *node) importImage(ctx context.Context, archive string) error {
	content, err := os.ReadFile(archive)
	if err != nil {
		return fmt.Errorf("import image: %w", err)
	}
	_, err = n.run(ctx, bytes.NewReader(content), "k3s ctr -n k8s.io images import --all-platforms - >&2")
	return err
}

// removeImage takes every name of an image from the node: those in its archive, and the one that CRI gave it.
func (n *node) removeImage(ctx context.Context, digest string) error {
	_, err := n.run(ctx, nil, `names=$(k3s ctr -n k8s.io images ls -q target.digest==`+digest+`) && if [ -n "$names" ]; then k3s ctr -n k8s.io images rm --sync $names >&2; fi`)
	return err
}
