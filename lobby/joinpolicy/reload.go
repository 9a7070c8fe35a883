package joinpolicy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// maxSize is the most that a policy's file may hold: a ConfigMap holds no more.
const maxSize = 1 << 20

// read returns the policy's text.
func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxSize {
		return "", errors.New("is larger than 1 MiB")
	}
	return string(text), nil
}

// follow takes the policy anew whenever its file has changed. It reads the file rather than wait for events: kubelet changes a ConfigMap by swapping
// a link two levels up, and a read each second costs nothing.
func (p *Policy) follow(ctx context.Context, last string, readable bool) {
	tick := time.NewTicker(p.opts.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		text, err := read(p.path)
		if err != nil {
			if readable {
				readable = false
				p.refuse(fmt.Errorf("join policy %s: %w", p.path, err))
			}
			continue
		}
		// What was unreadable for a while and comes back as it was is looked at again, so that it is no longer called stale.
		if text == last && readable {
			continue
		}
		last, readable = text, true
		p.take(ctx, text)
	}
}

// take puts a policy into use if it works.
func (p *Policy) take(ctx context.Context, text string) {
	next, err := prepare(ctx, p.path, text, p.opts.Timeout)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		p.refuse(fmt.Errorf("join policy %s: %w", p.path, err))
		return
	}
	p.stale.Store(false)
	if next.revision == p.current.Load().revision {
		return
	}
	p.current.Store(next)
	p.keep(text)
	p.reloads.Add(1) // last: who has seen it finds all done
	p.opts.Log.Info("took another join policy", "revision", next.revision)
}

// refuse notes that the file holds no policy that works.
func (p *Policy) refuse(err error) {
	p.stale.Store(true)
	p.refused.Add(1)
	if use := p.current.Load(); use != nil {
		p.opts.Log.Error("refused a join policy: going on with the one in use", "revision", use.revision, "error", err)
	}
}

// kept returns the last policy that worked before the lobby started, or nil.
func (p *Policy) kept(ctx context.Context) *prepared {
	if p.opts.Keep == "" {
		return nil
	}
	text, err := read(p.opts.Keep)
	if err != nil {
		return nil
	}
	kept, err := prepare(ctx, p.opts.Keep, text, p.opts.Timeout)
	if err != nil {
		return nil
	}
	return kept
}

// keep notes a policy that works for the next start. That it cannot is no reason to refuse the policy.
func (p *Policy) keep(text string) {
	if p.opts.Keep == "" {
		return
	}
	if err := replace(p.opts.Keep, text); err != nil {
		p.opts.Log.Warn("cannot keep the join policy for the next start", "error", err)
	}
}

// replace writes a file whole or not at all.
func replace(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
