package reconciler_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// world is a firm to try things on: a tree in memory, a real database, a clock.
type world struct {
	tester
	db   *state.DB
	now  time.Time
	tree tree
	ctl  *reconciler.Controller
}

// tester is what a world needs of a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
	Cleanup(func())
}

// tree is manifests by path.
type tree map[string]string

func newWorld(t *testing.T, manifests tree) *world {
	t.Helper()
	return openWorld(t, t.TempDir(), manifests)
}

// openWorld keeps its database in the directory.
func openWorld(t tester, dir string, manifests tree) *world {
	t.Helper()
	w := &world{tester: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), tree: manifests}
	db, err := state.Open(context.Background(), "sqlite:"+filepath.Join(dir, "usher.db"), state.Options{
		Now: func() time.Time { return w.now }, Command: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.db = db
	w.ctl = &reconciler.Controller{
		DB: db, Source: w, Compose: plain{}, Now: func() time.Time { return w.now }, By: "tester", From: "usher@acme.example", Stays: true,
	}
	return w
}

// Snapshot makes a world a reconciler.Source.
func (w *world) Snapshot(context.Context) (*reconciler.Manifests, error) {
	m := &reconciler.Manifests{Snapshot: reconciler.Snapshot{Source: "dir"}}
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(w.tree)) {
		m.Files = append(m.Files, reconciler.ManifestFile{Path: path, Data: []byte(w.tree[path]), Sum: reconciler.SumOf([]byte(w.tree[path]))})
		fmt.Fprintf(h, "%s\n%s\n", path, w.tree[path])
	}
	m.Digest = fmt.Sprintf("sha256:%x", h.Sum(nil))
	return m, nil
}

func (w *world) Settled(_ context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	return first, nil
}

// plain composes messages that tests can read.
type plain struct{}

func (plain) Subject(n *reconciler.Notice) (string, error) { return "about " + string(n.Kind), nil }

func (plain) Compose(n *reconciler.Notice, s reconciler.Stamp) ([]byte, error) {
	body := fmt.Sprintf("Message-ID: <%s>\r\n\r\n%s", s.MessageID, told(n))
	if n.Kind == reconciler.NoticeInvitation {
		body += state.Placeholder
	}
	return []byte(body), nil
}

func (plain) Pattern(reconciler.NoticeKind) *state.Pattern { return nil }

// told writes what a notice says on one line.
func told(n *reconciler.Notice) string {
	text := fmt.Sprintf("%s to %s", n.Kind, n.To)
	for _, part := range []struct {
		sign  string
		lines []reconciler.AccessLine
	}{{"+", n.Gained}, {"-", n.Lost}, {"~", n.Altered}, {"=", n.Access}} {
		for _, l := range part.lines {
			text += strings.TrimRight(fmt.Sprintf(" %s%s %s", part.sign, l.Title, l.Span), " ")
		}
	}
	for _, r := range n.Roles {
		sign := map[bool]string{true: "+", false: "-"}[r.Assigned]
		text += fmt.Sprintf(" %s%s of %s", sign, r.Role, r.Contract)
		if r.Person != "" {
			text += " for " + r.Person
		}
	}
	if n.Again {
		text += " again"
	}
	if n.Calendar {
		text += " by the calendar"
	}
	return text
}

func (w *world) plan() *reconciler.Plan {
	w.Helper()
	p, err := w.ctl.Plan(context.Background())
	if err != nil {
		w.Fatalf("plan: %v", err)
	}
	return p
}

// apply applies the tree and expects that to work.
func (w *world) apply() *reconciler.Outcome {
	w.Helper()
	out, err := w.tryApply()
	if err != nil {
		w.Fatalf("apply: %v", err)
	}
	return out
}

func (w *world) tryApply() (*reconciler.Outcome, error) {
	w.Helper()
	owner := w.own()
	defer owner.Close()
	return w.ctl.Apply(context.Background(), owner, "")
}

func (w *world) own() *state.Owner {
	w.Helper()
	owner, err := w.db.Own(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	return owner
}

// held applies the tree, expects it to be held, and returns the plan.
func (w *world) held() *reconciler.Plan {
	w.Helper()
	_, err := w.tryApply()
	var held *reconciler.HeldError
	if !errors.As(err, &held) {
		w.Fatalf("apply: %v, want it held", err)
	}
	return held.Plan
}

func (w *world) approve(id string) {
	w.Helper()
	owner := w.own()
	defer owner.Close()
	if _, err := owner.Approve(context.Background(), id, "ada"); err != nil {
		w.Fatal(err)
	}
}

func (w *world) truth() *state.Truth {
	w.Helper()
	t, err := w.db.Truth(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	return t
}

// edit replaces text in one file of the tree, and fails where it does not occur.
func (w *world) edit(path, old, new string) {
	w.Helper()
	if !strings.Contains(w.tree[path], old) {
		w.Fatalf("%s has no %q to replace", path, old)
	}
	w.tree[path] = strings.ReplaceAll(w.tree[path], old, new)
}

// verify checks that audit and tables agree.
func (w *world) verify() {
	w.Helper()
	if err := w.db.Verify(context.Background()); err != nil {
		w.Errorf("verify: %v", err)
	}
}

// mailed returns what messages of a revision say, in their order.
func (w *world) mailed(revision int64) []string {
	w.Helper()
	list, err := w.db.Messages(context.Background(), state.MessageQuery{Revision: revision})
	if err != nil {
		w.Fatal(err)
	}
	slices.SortFunc(list, func(a, b state.Message) int { return int(a.ID - b.ID) })
	var said []string
	for _, m := range list {
		full, err := w.db.Message(context.Background(), m.ID)
		if err != nil {
			w.Fatal(err)
		}
		_, body, _ := strings.Cut(string(full.Body), "\r\n\r\n")
		said = append(said, strings.TrimSuffix(body, state.Placeholder))
	}
	return said
}

// changes writes a plan's changes one a line.
func changes(p *reconciler.Plan) []string {
	var lines []string
	for _, c := range p.Changes {
		line := fmt.Sprintf("%s %s %s", c.Action, c.Kind, c.Subject)
		for _, s := range []string{c.Product, c.Contract, string(c.Role)} {
			if s != "" {
				line += " " + s
			}
		}
		for _, f := range c.Fields {
			line += fmt.Sprintf(" %s:%s>%s", f.Name, f.From, f.To)
		}
		lines = append(lines, line)
	}
	return lines
}

func notices(p *reconciler.Plan) []string {
	var said []string
	for i := range p.Mail {
		n := p.Mail[i].Notice()
		said = append(said, told(&n))
	}
	return said
}

func rules(p *reconciler.Plan) []string {
	var list []string
	for _, h := range p.Held {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %d>%d", h.Rule, h.Scope, h.Count, h.Limit)))
	}
	return list
}

// user writes a manifest of a person; the rest are lines of its spec.
func user(name string, rest ...string) string {
	first := strings.ToUpper(name[:1]) + name[1:]
	return fmt.Sprintf("apiVersion: usher/v1\nkind: User\nmetadata: {name: %s}\nspec:\n  email: %s@acme.example\n  firstName: %s\n  lastName: Lee\n%s---\n",
		name, name, first, indent(rest))
}

func team(name string, rest ...string) string {
	return fmt.Sprintf("apiVersion: usher/v1\nkind: Team\nmetadata: {name: %s}\nspec:\n%s---\n", name, indent(rest))
}

func product(name string) string {
	return fmt.Sprintf("apiVersion: usher/v1\nkind: Product\nmetadata: {name: %s}\n---\n", name)
}

func contract(name string, rest ...string) string {
	return fmt.Sprintf("apiVersion: usher/v1\nkind: Contract\nmetadata: {name: %s}\nspec:\n%s---\n", name, indent(rest))
}

func indent(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("  " + l + "\n")
	}
	return b.String()
}

// firm is a small one: ada manages, grace coordinates, bo uses.
func firm() tree {
	return tree{
		"firm.yaml": contract("design", "contractManager: ada", "softwareCoordinators: [grace]",
			"products: [{name: cad, seats: 10}, {name: cloud}]", "supportEmail: help@acme.example") +
			product("cad") + product("cloud"),
		"people.yaml": user("ada") + user("grace", "access: [cad]") + user("bo", "access: [cad]"),
	}
}

var _ reconciler.Source = (*world)(nil)

func day(s string) spec.Day {
	d, err := spec.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}
