package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"usher/reconciler/render"
	"usher/state"
	"usher/state/mail"
)

// All talk to a terminal is in this file. Results go to standard output and
// everything else to standard error. Colour is for terminals alone, and not
// where NO_COLOR is set or TERM is dumb. Progress is for a terminal on standard
// error, and for work that takes longer than a second.

// results is standard output. What cannot be written is no reason to stop in the
// middle of what is being done: it is remembered, and told at the end.
type results struct {
	to   io.Writer
	lost error // the first failure
}

// Write never fails; see results.
func (r *results) Write(p []byte) (int, error) {
	if r.lost == nil {
		_, r.lost = r.to.Write(p)
	}
	return len(p), nil
}

func isTerminal(w io.Writer) bool {
	if r, ok := w.(*results); ok {
		w = r.to
	}
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// colours reports whether what goes to w is coloured (https://no-color.org).
func (a *app) colours(w io.Writer) bool {
	return isTerminal(w) && a.environ["NO_COLOR"] == "" && a.environ["TERM"] != "dumb"
}

func (a *app) stdoutOptions(full bool) render.Options {
	return render.Options{Color: a.colours(a.stdout), Full: full, Flags: a.flags()}
}

func (a *app) stderrOptions() render.Options {
	return render.Options{Color: a.colours(a.stderr)}
}

// patience is how long work goes on before a progress bar appears.
const patience = time.Second

// progress is a bar with the rate and the time left, which appears once the work
// goes on for longer than anybody cares to wait without one.
type progress struct {
	to    io.Writer
	what  string
	start time.Time

	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

// progress is nil where nobody is there to look.
func (a *app) progress(what string) *progress {
	if !isTerminal(a.stderr) {
		return nil
	}
	return &progress{to: a.stderr, what: what, start: time.Now()}
}

// at moves the bar.
func (p *progress) at(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil && time.Since(p.start) > patience {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.to),
			progressbar.OptionSetDescription(p.what), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	if p.bar != nil {
		p.bar.Set(min(done, total))
	}
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Finish()
	}
}

// delivering is a transport that shows how far the outbox has come.
type delivering struct {
	mail.Transport
	progress *progress
	done     atomic.Int64
	total    int
}

// withProgress wraps the transport where somebody is there to look.
func (a *app) withProgress(t mail.Transport, total int) mail.Transport {
	p := a.progress("delivering")
	if p == nil {
		return t
	}
	return &delivering{Transport: t, progress: p, total: total}
}

// Deliver hands over one message and moves the bar. It is called side by side.
func (d *delivering) Deliver(ctx context.Context, m state.Message, data []byte) error {
	err := d.Transport.Deliver(ctx, m, data)
	d.progress.at(int(d.done.Add(1)), d.total)
	return err
}

// Close takes the bar away and closes the transport.
func (d *delivering) Close() error {
	d.progress.end()
	return d.Transport.Close()
}

// say writes a line of a result.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stdout, format+"\n", args...)
}

// flags is what the commands we name must be given to mean the same state.
func (a *app) flags() string {
	if a.settings.State == defaults().State || a.environ["USHER_STATE"] == a.settings.State {
		return ""
	}
	return " --state " + a.settings.State
}
