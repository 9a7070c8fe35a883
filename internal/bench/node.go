package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/coldstart"
	"github.com/edge-arena/edge-arena/internal/bench/proc"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/gobuild"
)

// node is the city's node, as its operator reaches it.
type node struct {
	sshConfig, name string
	// root is the checkout.
	root string
	// folder is the bench's own on the node, probe the program nodeprobe in it.
	folder, probe string
}

// Programs of the bench that run on the node. They are built from this checkout.
const (
	nodeprobe  = "nodeprobe"
	stageprobe = "stageprobe"
)

// openNode brings the program nodeprobe to a node. It is built from the tree at root.
func openNode(ctx context.Context, root, sshConfig, name string) (n *node, err error) {
	n = &node{sshConfig: sshConfig, name: name, root: root}
	// Not in /tmp: elsewhere it might be mounted noexec.
	if n.folder, err = n.run(ctx, nil, "mktemp -d /run/arena-bench-XXXXXX"); err != nil {
		return nil, err
	}
	if n.probe, err = n.bring(ctx, nodeprobe); err != nil {
		return nil, errors.Join(err, n.close(ctx))
	}
	return n, nil
}

// bring builds one of the programs, copies it to the node, and tells where it is there.
func (n *node) bring(ctx context.Context, program string) (path string, err error) {
	content, err := gobuild.Static(ctx, n.root, "./internal/bench/"+program)
	if err != nil {
		return "", err
	}
	path = n.folder + "/" + program
	_, err = n.run(ctx, bytes.NewReader(content), "cat >"+path+" && chmod 700 "+path)
	return path, err
}

// close removes the programs from the node.
func (n *node) close(ctx context.Context) error {
	_, err := n.run(ctx, nil, "rm -r "+n.folder)
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

// memoryAvailable is how much memory the node has to give before it would have to swap.
func (n *node) memoryAvailable(ctx context.Context) (int64, error) {
	out, err := n.run(ctx, nil, "awk '/^MemAvailable:/ {print $2}' /proc/meminfo")
	if err != nil {
		return 0, err
	}
	kb, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("node %s: available memory: %w", n.name, err)
	}
	return kb << 10, nil
}

// busy is how much processor time all of the machine has used since it started, idle time and waiting for disks left out.
func (n *node) busy(ctx context.Context) (time.Duration, error) {
	out, err := n.run(ctx, nil, "head -n 1 /proc/stat")
	if err != nil {
		return 0, err
	}
	return busyOf(out)
}

// busyOf reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, in hundredths of a second. What a guest used is in user, and what
// another machine took away is used by nobody here.
func busyOf(line string) (busy time.Duration, err error) {
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, fmt.Errorf("read processor time of the machine: %q", line)
	}
	for _, i := range []int{1, 2, 3, 6, 7} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time of the machine: %w", err)
		}
		busy += time.Duration(n) * 10 * time.Millisecond
	}
	return busy, nil
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
