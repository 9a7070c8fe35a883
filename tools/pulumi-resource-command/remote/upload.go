package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
)

// upload copies the source to the host.
func (i CopyToRemoteInputs) upload(ctx context.Context) error {
	client, err := i.Connection.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // Every file has been closed, and its error seen, by then.
	// A canceled update must not wait for a big file.
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	host, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true))
	if err != nil {
		return fmt.Errorf("start sftp: %w", causeOr(ctx, err))
	}
	defer host.Close() //nolint:errcheck // As above.
	if err := copyTo(host, i.sourcePath(), i.RemotePath); err != nil {
		return causeOr(ctx, err)
	}
	return nil
}

// copyTo copies source to target on the host, where what happens depends on what is there:
//
//	source | target is a folder   | nothing is there     | target is a file
//	file   | target/file          | target               | target, overwritten
//	dir    | target/dir           | target/dir           | error
//	dir/   | target/x for x in it | target/x for x in it | error
func copyTo(host *sftp.Client, source, target string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if err := ensureFolder(host, target); err != nil {
			return err
		}
		if !strings.HasSuffix(source, "/") {
			target = path.Join(target, filepath.Base(source))
		}
		return copyFolder(host, source, target)
	}
	switch there, err := host.Stat(target); {
	case err == nil && there.IsDir():
		target = path.Join(target, filepath.Base(source))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look at remote path %s: %w", target, err)
	}
	return copyFile(host, source, target)
}

// copyFolder copies what is in source, folders and all, to the folder target.
func copyFolder(host *sftp.Client, source, target string) error {
	return filepath.WalkDir(source, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, name)
		if err != nil {
			return err
		}
		remote := path.Join(target, filepath.ToSlash(rel))
		if d.IsDir() {
			return ensureFolder(host, remote)
		}
		return copyFile(host, name, remote)
	})
}

// ensureFolder makes the folder if it is missing, but not those above it.
func ensureFolder(host *sftp.Client, name string) error {
	there, err := host.Stat(name)
	switch {
	case err == nil && there.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("remote path %s exists but is not a directory", name)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look at remote path %s: %w", name, err)
	}
	if err := host.Mkdir(name); err != nil {
		return fmt.Errorf("create remote directory %s: %w", name, err)
	}
	return nil
}

func copyFile(host *sftp.Client, source, target string) error {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // It was only read from.
	to, err := host.Create(target)
	if err != nil {
		return fmt.Errorf("create remote file %s: %w", target, err)
	}
	_, err = to.ReadFrom(from)
	if err := errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("copy %s to remote path %s: %w", source, target, err)
	}
	return nil
}
