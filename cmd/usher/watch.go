package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"usher/cmd/usher/portal"
	"usher/reconciler"
	"usher/reconciler/source"
	"usher/state"
	"usher/state/mail"
)

// watchFlags are the flags of watch.
type watchFlags struct {
	from   treeFlags
	who    authorityFlags
	offer  proposalFlags
	site   siteFlags
	settle time.Duration
	resync time.Duration
	notify bool
	adopt  bool
	fetch  time.Duration
}

func (a *app) watchCommand() *cobra.Command {
	var f watchFlags
	c := &cobra.Command{
		Use: "watch [DIR]", Short: "apply every change as it comes, for as long as it runs",
		Long: `Applies the folder, then watches it: every change is applied once it has come to
rest, what begins or ends on a day happens on that day, and messages are
delivered beside it. A folder that cannot be read, manifests with errors and
plans that are held change nothing: what was applied last stays, and usher status
says why. Approve, resend and the like work beside it, within a second.

On --listen it serves the account site, where people sign in to see what they may
use and those who manage contracts see who may, and beside it /livez, /readyz and
/metrics (usher help portal).

SIGHUP looks at once; SIGTERM finishes what is under way and stops.`,
		Example: "  usher watch manifests\n  usher watch --repo /srv/acme.git --ref refs/heads/main --listen 127.0.0.1:9090",
		Args:    f.from.args,
		RunE:    func(c *cobra.Command, args []string) error { return a.watch(c, args, f) },
	}
	f.from.flags(c)
	f.who.flags(c)
	f.offer.flags(c)
	f.site.flags(c)
	c.Flags().DurationVar(&f.settle, "settle", source.DefaultSettle, "how long the folder must have stood still before it is acted on, as a `time`")
	c.Flags().DurationVar(&f.resync, "resync", time.Minute, "look this often even if nothing tells of a change, as a `time`")
	c.Flags().BoolVar(&f.notify, "notify", true, "be told of changes by the file system; without, only look")
	c.Flags().DurationVar(&f.fetch, "fetch", 0, "fetch --ref from its remote this often, as a `time`; 0: others bring it")
	adoptFlag(c, &f.adopt)
	return c
}

// daemonRun is one run of watch.
type daemonRun struct {
	*app
	command *cobra.Command
	flags   watchFlags
	tree    tree
	log     *slog.Logger
	db      *state.DB
	owner   *state.Owner
	loop    *reconciler.Loop
	metrics *portal.Metrics
	beat    atomic.Int64 // Unix seconds

	certificate *certificate // nil: not ours to have
}

func (a *app) watch(c *cobra.Command, args []string, f watchFlags) error {
	ctx := c.Context()
	if err := f.site.check(); err != nil {
		return err
	}
	t, err := f.from.tree(ctx, args)
	if err == nil {
		err = f.offer.check(t)
	}
	if err != nil {
		return err
	}
	log, err := newLogger(a.stderr, a.settings.LogFormat)
	if err != nil {
		return err
	}
	transport, err := a.transport()
	if err != nil {
		return err
	}
	if transport != nil {
		defer transport.Close()
	}
	d := &daemonRun{app: a, command: c, flags: f, tree: t, log: log}
	return a.own(ctx, "usher watch", func(db *state.DB, owner *state.Owner) error {
		d.db, d.owner = db, owner
		return d.run(ctx, transport)
	})
}

func newLogger(w io.Writer, format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	}
	return nil, usage("text or json", "there is no log format %q", format)
}

// run starts what runs side by side and ends it in order: first nothing new is
// begun, then what is under way is finished.
func (d *daemonRun) run(ctx context.Context, transport mail.Transport) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	fetcher, err := d.fetcher(ctx)
	if err != nil {
		return err
	}
	wake := make(chan struct{}, 1)
	listener, site, err := d.open(wake)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	d.loop.Applied = func() { poke(wake) }
	if w, ok := d.loop.Changes.(*source.Watcher); ok {
		running.Go(func() { w.Run(ctx) })
	}
	if transport != nil {
		d.loop.SetMail(true, "nothing was delivered yet")
		running.Go(func() { d.courier(transport, wake).Run(ctx) })
	} else {
		d.loop.SetMail(true, "messages are recorded and not sent")
	}
	if fetcher != nil {
		running.Go(func() { fetcher.Run(ctx) })
	}
	if listener != nil {
		running.Go(func() { d.serve(ctx, listener, site) })
	}
	d.log.Info("watching", "manifests", d.tree.words(), "state", d.settings.State, "pid", os.Getpid())
	err = d.loop.Run(ctx)
	stop()
	running.Wait()
	daemon.SdNotify(false, daemon.SdNotifyStopping)
	d.loop.Stop(context.WithoutCancel(ctx))
	d.log.Info("stopped")
	return err
}

// prepare wires the loop.
func (d *daemonRun) prepare(ctx context.Context) error {
	control, err := d.controllerOf(d.db, d.tree, d.flags.settle)
	if err == nil {
		d.remembering(control, d.db, d.tree, d.flags.settle)
	}
	if err == nil {
		err = d.flags.who.judge(d.command, control)
	}
	if err != nil {
		return err
	}
	head, err := d.db.Head(ctx)
	if err != nil {
		return err
	}
	control.Adopt = d.flags.adopt
	control.Clock = reconciler.NewClock(d.app.now, nil, head.Newest.At)
	control.Now = control.Clock.Now
	d.clock.Store(control.Clock)
	d.loop = &reconciler.Loop{
		Controller: control, Owner: d.owner, Log: d.log, Now: hangups(ctx),
		Timing: reconciler.Timing{Resync: d.flags.resync, Quiet: d.flags.settle}, Beat: d.sign,
	}
	d.sign()
	d.metrics = portal.NewMetrics(d.loop.Status)
	d.loop.Observe = d.metrics
	var events *source.Watcher
	if d.flags.notify {
		events = d.tree.watch(d.log)
		d.loop.Changes = events
	}
	source.Follow(control.Source, events)
	d.loop.Looked = sync.OnceFunc(func() { daemon.SdNotify(false, daemon.SdNotifyReady) })
	return nil
}

// sign notes that the loop lives, and tells systemd where it keeps watch.
func (d *daemonRun) sign() {
	d.beat.Store(time.Now().Unix())
	daemon.SdNotify(false, daemon.SdNotifyWatchdog)
}

// hangups receives when the process gets SIGHUP.
func hangups(ctx context.Context) <-chan struct{} {
	signals, out := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { signal.Stop(signals) })
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				poke(out)
			}
		}
	}()
	return out
}

// poke makes a receiver look, if it does not already know that it must.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (d *daemonRun) courier(t mail.Transport, wake <-chan struct{}) *mail.Courier {
	options, _ := d.settings.delivery(d.loop.Controller.Now) // checked when the transport was opened
	return &mail.Courier{
		Outbox: mail.Box(d.owner, d.db), Transport: t, Wake: wake, Options: options, Report: d.delivered,
	}
}

// delivered records how a round of delivery went.
func (d *daemonRun) delivered(r mail.Result, err error) {
	d.metrics.Messages("sent", r.Sent)
	d.metrics.Messages("retried", r.Retried)
	d.metrics.Messages("failed", r.Failed)
	switch {
	case err != nil:
		d.loop.SetMail(false, err.Error())
	case r.Paused != "":
		d.loop.SetMail(false, r.Paused)
	case r.Sent > 0 || r.Retried == 0:
		d.loop.SetMail(true, "")
	default:
		d.loop.SetMail(false, "no message got through: usher get mail shows why")
	}
	if r.Sent+r.Retried+r.Failed > 0 {
		d.log.Info("mail", "sent", r.Sent, "retried", r.Retried, "failed", r.Failed)
	}
}

// fetcher brings the ref from its remote; nil where others do.
func (d *daemonRun) fetcher(ctx context.Context) (*source.Fetcher, error) {
	if d.flags.fetch == 0 {
		return nil, nil
	}
	if d.tree.repository == nil {
		return nil, usage("--ref names what to fetch, such as refs/remotes/origin/main", "--fetch is for commits, and needs --ref")
	}
	if d.flags.fetch < time.Second {
		return nil, usage("--fetch 1m asks every minute", "fetching every %s is more often than a remote should be asked", d.flags.fetch)
	}
	f, err := source.NewFetcher(ctx, d.tree.repository, d.tree.ref)
	if err != nil {
		return nil, err
	}
	f.Every, f.Log, f.Report = d.flags.fetch, d.log, d.loop.SetRemote
	return f, nil
}
