package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// How patiently a remote is asked.
const (
	fetchTimeout  = 10 * time.Minute
	maxFetchPause = 15 * time.Minute // between tries that fail; the interval, where that is longer
)

// Fetcher brings one ref from a remote, again and again. It moves that ref and
// nothing else; what the move means is judged where the commits are read.
type Fetcher struct {
	Every  time.Duration // from the end of one fetch to the next, with a tenth of jitter
	Report func(error)   // called after each; nil error: it worked
	Log    *slog.Logger

	repository *Repository
	remote     string
	refspec    string
}

// NewFetcher prepares to fetch a ref. One of a remote, refs/remotes/origin/main, is
// brought from that remote; refs/heads/main or a tag, in a bare repository alone,
// from its one remote or the one named origin.
func NewFetcher(ctx context.Context, r *Repository, ref string) (*Fetcher, error) {
	out, err := r.at(ctx, "remote").Output()
	if err != nil {
		return nil, fmt.Errorf("reading the remotes of %s: %w", r.path, gitError(err))
	}
	f := &Fetcher{repository: r}
	remotes := strings.Fields(string(out))
	if rest, ok := strings.CutPrefix(ref, "refs/remotes/"); ok {
		var branch string
		f.remote, branch, _ = strings.Cut(rest, "/")
		f.refspec = "+refs/heads/" + branch + ":" + ref
		if branch == "" || !slices.Contains(remotes, f.remote) {
			return nil, fmt.Errorf("%s has no remote %s to fetch %s from", r.path, f.remote, ref)
		}
		return f, nil
	}
	if f.remote, err = theRemote(remotes); err != nil {
		return nil, fmt.Errorf("fetching %s into %s: %w", ref, r.path, err)
	}
	bare, err := r.at(ctx, "rev-parse", "--is-bare-repository").Output()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", r.path, gitError(err))
	case ref == "HEAD":
		return nil, errors.New("HEAD is not fetched: name the ref that is to move, such as refs/heads/main")
	case strings.TrimSpace(string(bare)) != "true":
		return nil, fmt.Errorf("%s has a work tree, whose branches fetching must not move: name the remote's, such as refs/remotes/%s/%s",
			r.path, f.remote, strings.TrimPrefix(ref, "refs/heads/"))
	}
	f.refspec = "+" + ref + ":" + ref
	return f, nil
}

// theRemote is the one remote there is, or origin.
func theRemote(remotes []string) (string, error) {
	switch {
	case slices.Contains(remotes, "origin"):
		return "origin", nil
	case len(remotes) == 1:
		return remotes[0], nil
	case len(remotes) == 0:
		return "", errors.New("it has no remote; git remote add origin URL gives it one")
	}
	return "", fmt.Errorf("it has the remotes %s, and none is named origin", strings.Join(remotes, ", "))
}

// Fetch fetches once.
func (f *Fetcher) Fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	cmd := f.repository.at(ctx, "-c", "core.hooksPath="+os.DevNull, "-c", "gc.autoDetach=false",
		"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", f.remote, f.refspec)
	cmd.WaitDelay = 5 * time.Second
	for _, name := range []string{"SSH_AUTH_SOCK", "USER", "LOGNAME"} { // of all else, only what ssh signs in with
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if _, err := cmd.Output(); err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("fetching from %s: no answer within %s", f.remote, fetchTimeout)
		}
		return fmt.Errorf("fetching from %s: %w", f.remote, fetchError(err))
	}
	return nil
}

// fetchError is what git said last: ssh and remotes speak before it does.
func fetchError(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) == 0 {
		return gitError(err)
	}
	for line := range strings.Lines(string(exit.Stderr)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "fatal: ") || strings.HasPrefix(line, "error: ") {
			return errors.New(line[len("fatal: "):])
		}
	}
	return gitError(err)
}

// Run fetches until ctx ends. A remote that fails is asked less and less often,
// and nothing else waits for it.
func (f *Fetcher) Run(ctx context.Context) {
	failures := 0
	for {
		err := f.Fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			failures = 0
		} else {
			failures++
			f.Log.Warn("not fetched", "remote", f.remote, "error", err)
		}
		f.Report(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(fetchPause(f.Every, failures)):
		}
	}
}

// fetchPause is the time to the next try after so many failures in a row.
func fetchPause(every time.Duration, failures int) time.Duration {
	pause := every << min(failures, 20)
	if most := max(every, maxFetchPause); pause > most || pause <= 0 {
		pause = most
	}
	return pause + time.Duration(rand.Int64N(int64(pause)/10+1))
}
