package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/spec"
)

// serverFlags name a watching usher to ask, and say who asks.
type serverFlags struct{ url, tokenFile string }

func (f *serverFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.url, "server", "", "plan on the state of the watching usher at this `URL`, not on --state")
	c.Flags().StringVar(&f.tokenFile, "token-file", "", "`file` with the token for --server on its first line; else $USHER_TOKEN")
}

// words is what a command is given to ask the same server again.
func (f *serverFlags) words() string {
	if f.url == "" {
		return ""
	}
	return " --server " + f.url
}

// tokenVariable is where the token stands where no file is named.
const tokenVariable = "USHER_TOKEN"

// Bounds of a conversation with a server.
const (
	connectTime = 10 * time.Second
	planTime    = 5 * time.Minute // a hundred thousand people are read, sent and compared
	maxAnswer   = 256 << 20       // bytes
	maxProblem  = 8 << 20         // bytes
)

// remote is a watching usher that is asked over HTTP.
type remote struct {
	base  *url.URL
	token string
}

// remote reads where the server is and what opens it.
func (a *app) remote(f serverFlags) (remote, error) {
	base, err := serverURL(f.url)
	if err != nil {
		return remote{}, err
	}
	token := a.environ[tokenVariable]
	if f.tokenFile != "" {
		if token, err = readToken(f.tokenFile); err != nil {
			return remote{}, err
		}
	}
	if token == "" {
		return remote{}, usage("usher token create ci --scope plan makes one, where the server runs", "--server wants a token: --token-file FILE, or $%s", tokenVariable)
	}
	return remote{base, token}, nil
}

func readToken(file string) (string, error) {
	r, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading --token-file: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, 4096))
	if err != nil {
		return "", fmt.Errorf("reading --token-file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", usage("its first line is the token", "--token-file %s is empty", file)
	}
	return line, nil
}

// serverURL reads the address of a server. A token goes over TLS, or no further than
// this machine.
func serverURL(text string) (*url.URL, error) {
	const hint = "--server https://usher.acme.example"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, usage(hint, "--server %q is no address of a server", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, usage(hint, "--server wants an address alone, without a user, a query or a fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, usage("use https, or an address of this machine such as http://127.0.0.1:8080", "--server %s would send the token, names and addresses in the clear", text)
	}
	return u, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// planAt has a server plan the tree on its own state.
func (a *app) planAt(c *cobra.Command, t tree, f planFlags) (*reconciler.Plan, error) {
	if t.base != "" {
		return nil, usage("leave one of them out", "--base compares commits and asks no state, --server plans on the state of one")
	}
	for _, name := range []string{"adopt", "authority", "trust", "forge-key"} {
		if c.Flags().Changed(name) {
			return nil, usage("leave it out", "--%s is for the server to say, not for who asks it for a plan", name)
		}
	}
	r, err := a.remote(f.server)
	if err != nil {
		return nil, err
	}
	m, err := t.source(0).Snapshot(c.Context())
	if err != nil {
		var errs spec.Errors
		if errors.As(err, &errs) {
			return nil, invalidError{errs, render.Tree{Path: t.top()}}
		}
		return nil, err
	}
	p, err := r.plan(c.Context(), m)
	var errs spec.Errors
	if errors.As(err, &errs) {
		sent := render.Tree{Path: t.top(), Files: map[string][]byte{}}
		for _, file := range m.Files {
			sent.Files[file.Path] = file.Data
		}
		return nil, invalidError{errs, sent}
	}
	return p, err
}

// plan sends manifests and returns what the server says they would change. Manifests
// that are invalid come back as spec.Errors.
func (r remote) plan(ctx context.Context, m *reconciler.Manifests) (*reconciler.Plan, error) {
	var body bytes.Buffer
	if err := source.Pack(&body, m); err != nil {
		return nil, err
	}
	if body.Len() > source.MaxArchiveSent {
		return nil, hintError{fmt.Errorf("the manifests are %d MiB gzipped, more than the %d that a server takes", body.Len()>>20, source.MaxArchiveSent>>20), "plan where the server runs, or send a part of them"}
	}
	ctx, cancel := context.WithTimeout(ctx, planTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base.JoinPath("api", "v1", "plan").String(), &body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-tar")
	request.Header.Set("Content-Encoding", "gzip")
	response, err := r.do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, r.refused(response)
	}
	return r.readPlan(response.Body)
}

// do sends a request, and follows no redirect: what the token opens is here.
func (r remote) do(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Accept", "application/json, application/problem+json")
	request.Header.Set("User-Agent", "usher")
	client := http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: connectTime}).DialContext,
			TLSHandshakeTimeout: connectTime,
			DisableKeepAlives:   true,
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	var failed *url.Error
	switch {
	case err == nil:
		return response, nil
	case errors.As(err, &failed) && failed.Timeout():
		return nil, hintError{fmt.Errorf("asking %s: it did not answer in time", r.base), "usher status, where it runs, says how it stands"}
	case errors.As(err, &failed):
		err = failed.Err
	}
	return nil, hintError{fmt.Errorf("asking %s: %w", r.base, err), "is usher watch running there, and is this its --url?"}
}

func (r remote) readPlan(from io.Reader) (*reconciler.Plan, error) {
	var p reconciler.Plan
	err := json.NewDecoder(io.LimitReader(from, maxAnswer)).Decode(&p)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer of %s: %w", r.base, err)
	case p.Format != 1 || !planID().MatchString(p.ID):
		return nil, hintError{fmt.Errorf("%s answered with something that is no plan of format 1", r.base), "a newer usher may be able to read it"}
	}
	return &p, nil
}

// problem is what a server says is wrong (RFC 9457), with usher's own members.
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Advice string `json:"advice"`
	Errors []struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	} `json:"errors"`
}

// refused says why a server did not answer with what was asked for.
func (r remote) refused(response *http.Response) error {
	if to := response.Header.Get("Location"); to != "" {
		return hintError{fmt.Errorf("%s leads to %s", r.base, to), "give --server that address, if it is the one you mean"}
	}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	var p problem
	if kind != "application/problem+json" || json.NewDecoder(io.LimitReader(response.Body, maxProblem)).Decode(&p) != nil || p.Title == "" {
		return r.stranger(response)
	}
	if len(p.Errors) > 0 {
		errs := make(spec.Errors, len(p.Errors))
		for i, e := range p.Errors {
			errs[i] = &spec.Error{File: e.File, Line: e.Line, Column: e.Column, Code: e.Code, Reason: e.Message, Hint: e.Hint}
		}
		return errs
	}
	first, size := utf8.DecodeRuneInString(p.Title)
	err := fmt.Errorf("%s: %s", r.base, plain(string(unicode.ToLower(first))+p.Title[size:]))
	if p.Detail != "" {
		err = fmt.Errorf("%w: %s", err, plain(p.Detail))
	}
	return hintError{err, plain(p.Advice)}
}

// plain replaces whatever a terminal would obey in words that came from elsewhere.
func plain(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return utf8.RuneError
		}
		return r
	}, words)
}

// stranger is an answer that no usher of this version gives.
func (r remote) stranger(response *http.Response) error {
	if response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusMethodNotAllowed {
		return hintError{fmt.Errorf("%s has no API that plans", r.base), "it is an older usher, or --server is not its address"}
	}
	return hintError{fmt.Errorf("%s answered %s", r.base, response.Status), "something between here and the usher there may have; usher status, where it runs, says how it stands"}
}

// unsigned is what a plan for others notes where commits count by who signed them.
const unsigned = "whose signature the changes take is judged when they are merged: only manifests were looked at, not the commits behind them"

// planSent says what manifests that somebody sent would change, as the loop would
// plan them now. It trusts what it was told of their commit for nothing but words.
func (d *daemonRun) planSent(ctx context.Context, m *reconciler.Manifests) (*reconciler.Plan, error) {
	control, err := d.controller(d.db, "", 0)
	if err != nil {
		return nil, err
	}
	control.Source, control.Adopt, control.Now = source.Sent(m), d.flags.adopt, d.loop.Controller.Now
	p, err := control.Plan(ctx)
	if err == nil && d.loop.Controller.Authority {
		p.Notes = append(p.Notes, reconciler.Note{Message: unsigned})
	}
	return p, err
}
