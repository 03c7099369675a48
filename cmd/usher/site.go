package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/cmd/usher/portal"
	"usher/reconciler"
	"usher/reconciler/source"
)

// siteFlags say where the account site is served, and how it is protected.
type siteFlags struct {
	listen      string
	certificate string
	key         string
}

func (f *siteFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8080", "`address` for the account site, health and metrics; empty for none")
	c.Flags().StringVar(&f.certificate, "tls-cert", "", "`file` with the certificate for --listen, and those between it and its root (PEM)")
	c.Flags().StringVar(&f.key, "tls-key", "", "`file` with its private key (PEM)")
}

func (f *siteFlags) check() error {
	switch {
	case (f.certificate == "") != (f.key == ""):
		return usage("both, or neither behind a proxy", "--tls-cert and --tls-key go together")
	case f.certificate != "" && f.listen == "":
		return usage(`leave out --listen ""`, "--tls-cert is for what --listen serves, and that is nothing")
	}
	return nil
}

// exposure is how browsers come to the site.
type exposure struct {
	tls     bool // by itself
	proxied bool // by way of a proxy that has TLS
	here    bool // on this machine alone
}

// served reports whether passwords cross no network in the clear.
func (e exposure) served() bool { return e.tls || e.proxied || e.here }

// exposed finds out how browsers come to what listens at an address, which --url says
// as far as it is a proxy's doing.
func (d *daemonRun) exposed(at net.Addr) exposure {
	e := exposure{tls: d.flags.site.certificate != ""}
	e.proxied = !e.tls && strings.HasPrefix(strings.ToLower(d.settings.URL), "https://")
	if tcp, ok := at.(*net.TCPAddr); ok {
		e.here = tcp.IP.IsLoopback()
	}
	return e
}

// checkURL refuses what the site cannot be reached under.
func (d *daemonRun) checkURL() error {
	u, err := url.Parse(d.settings.URL)
	if err == nil && strings.Trim(u.Path, "/") != "" {
		return usage("leave out "+u.Path+"; a proxy can give it a host of its own", "--url %s: the account site is at the top of its host", d.settings.URL)
	}
	return nil
}

func (d *daemonRun) bind() (net.Listener, error) {
	if d.flags.site.listen == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", d.flags.site.listen)
	if err != nil {
		return nil, hintError{fmt.Errorf("listening: %w", err), `--listen names another address, --listen "" none`}
	}
	return l, nil
}

// open begins to listen, and prepares what is served there; nothing for nobody to
// listen.
func (d *daemonRun) open(wake chan<- struct{}) (l net.Listener, site http.Handler, err error) {
	if d.certificate, err = loadCertificate(d.flags.site, d.log); err != nil {
		return nil, nil, err
	}
	if l, err = d.bind(); err != nil || l == nil {
		return nil, nil, err
	}
	if site, err = d.site(l.Addr(), func() { poke(wake) }); err != nil {
		l.Close()
		return nil, nil, err
	}
	return l, site, nil
}

// site makes what is served at an address: the account site, or health and metrics
// alone where its passwords would cross the network for everybody to read.
func (d *daemonRun) site(at net.Addr, queued func()) (http.Handler, error) {
	o := portal.Options{
		Status: d.loop.Status, Metrics: d.metrics, Now: d.loop.Controller.Now,
		Beat: func() time.Time { return time.Unix(d.beat.Load(), 0) }, Log: d.log, Plan: d.planSent,
	}
	e := d.exposed(at)
	if !e.served() {
		d.log.Warn("health and metrics only: the account site would send passwords in the clear from here",
			"instead", "--tls-cert and --tls-key, or --url https://… behind a proxy, or --listen 127.0.0.1:8080")
		return portal.New(o)
	}
	if err := d.checkURL(); err != nil {
		return nil, err
	}
	control, err := d.controllerOf(d.db, d.tree, d.flags.settle)
	if err != nil {
		return nil, err
	}
	control.Now = d.loop.Controller.Now
	o.DB, o.Owner, o.Control, o.Compose, o.From = d.db, d.owner, control, control.Compose, d.from()
	o.URL, o.Secure, o.Proxied, o.Queued = strings.TrimRight(d.settings.URL, "/"), e.tls || e.proxied, e.proxied, queued
	o.Tree = d.flags.offer.tree(d.tree, d.loop.Controller.Authority)
	o.Held, o.Information = d.loop.Held, d.information()
	return portal.New(o)
}

// information is what contract managers may read of their contracts; nil where no
// folder holds any.
func (d *daemonRun) information() *reconciler.Information {
	if d.settings.Private == "" {
		return nil
	}
	return reconciler.NewInformation(d.db, source.Dir(d.settings.Private, source.Options{Settle: d.flags.settle}))
}

func (d *daemonRun) serve(ctx context.Context, l net.Listener, handler http.Handler) {
	server := portal.Server(handler)
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		server.Shutdown(grace)
	})
	defer stopped()
	d.log.Info("listening", "address", l.Addr().String())
	err := d.serveOn(server, l)
	if !errors.Is(err, http.ErrServerClosed) {
		d.log.Error("serving", "error", err)
	}
}

func (d *daemonRun) serveOn(server *http.Server, l net.Listener) error {
	if d.certificate == nil {
		return server.Serve(l)
	}
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: d.certificate.get}
	return server.ServeTLS(l, "", "")
}
