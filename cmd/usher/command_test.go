package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// result is what one run of the command left.
type result struct {
	code           int
	stdout, stderr string
}

// usher runs the command in this process.
func usher(args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(args, strings.NewReader(""), &stdout, &stderr, nil)
	return result{code, stdout.String(), stderr.String()}
}

// usherAt runs the command at another time.
func usherAt(now time.Time, args ...string) result {
	var stdout, stderr bytes.Buffer
	a := newApp(strings.NewReader(""), &stdout, &stderr, nil)
	a.now = func() time.Time { return now }
	err := a.execute(args)
	a.report(err)
	return result{exitCode(err), stdout.String(), stderr.String()}
}

func (r result) must(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// studio is a tree of two people in a folder of the test's own, which becomes
// the working directory.
func studio(t *testing.T) {
	t.Helper()
	tree, err := os.ReadFile(filepath.Join("..", "..", "examples", "minimal", "studio.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("tree", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("tree/studio.yaml", tree, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"done", nil, 0},
		{"anything else", errors.New("disk on fire"), 1},
		{"usage", usage("hint", "no such thing"), 1},
		{"not found", state.ErrNotFound, 1},
		{"stale", reconciler.ErrStale, 1},
		{"changes", saidError{errChanges}, 2},
		{"invalid", spec.Errors{{File: "a.yaml", Reason: "wrong"}}, 3},
		{"held by apply", &reconciler.HeldError{Plan: &reconciler.Plan{}}, 4},
		{"held in a plan", saidError{errHeld}, 4},
		{"busy", &state.BusyError{Command: "usher apply"}, 5},
		{"fenced", state.ErrFenced, 5},
		{"newer", state.ErrNewer, 6},
		{"damaged", state.ErrDamaged, 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := exitCode(test.err); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
			if test.err == nil {
				return
			}
			if got := exitCode(fmt.Errorf("doing it: %w", test.err)); got != test.want {
				t.Errorf("wrapped: exit code %d, want %d", got, test.want)
			}
		})
	}
}

// TestEveryCommandHasAnExample holds each command's help to its promises, and
// each example to naming a command that is there.
func TestEveryCommandHasAnExample(t *testing.T) {
	root := newApp(nil, nil, nil, nil).command()
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || c.Example == "" && !strings.HasPrefix(c.CommandPath(), "usher completion") {
			t.Errorf("%s: no short text or no example", c.CommandPath())
		}
		for _, line := range strings.Split(c.Example, "\n") {
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "usher" {
				continue
			}
			if found, _, err := root.Find(words[1:]); words[1] != "help" && (err != nil || found == root) {
				t.Errorf("%s: the example %q is no command: %v", c.CommandPath(), line, err)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// A command that is made alone is the one it is among all others.
func TestCommandsAreMadeAsAskedFor(t *testing.T) {
	usageOf := func(c namedCommand, args ...string) string {
		root := newApp(nil, nil, nil, nil).command(args...)
		if all := len(args) == 0; all != (len(root.Commands()) >= len(commands)) {
			t.Errorf("asked for %q: %d commands are made", args, len(root.Commands()))
		}
		found, _, err := root.Find([]string{c.name})
		if err != nil || found == root {
			t.Fatalf("asked for %q: there is no %s: %v", args, c.name, err)
		}
		return found.UsageString()
	}
	for _, c := range commands {
		if diff := cmp.Diff(usageOf(c), usageOf(c, c.name, "--help")); diff != "" {
			t.Errorf("%s (-among all +alone):\n%s", c.name, diff)
		}
	}
}

// hold takes the state's lock in this process, as a controller would that runs.
func hold(t *testing.T) (*state.DB, *state.Owner) {
	t.Helper()
	db, err := state.Open(t.Context(), "sqlite:usher.db", state.Options{Command: "usher watch"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	owner, err := db.Own(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return db, owner
}

// TestTwoAppliesAtOnce: the second says who holds the lock, and changes nothing.
func TestTwoAppliesAtOnce(t *testing.T) {
	studio(t)
	_, owner := hold(t)
	got := usher("apply", "tree").must(t, 5)
	if want := fmt.Sprintf("usher watch, pid %d on ", os.Getpid()); !strings.Contains(got.stderr, want) {
		t.Errorf("standard error does not name the holder %q:\n%s", want, got.stderr)
	}
	if got.stdout != "" {
		t.Errorf("standard output of a busy apply: %s", got.stdout)
	}
	usher("plan", "tree").must(t, 0) // readers need no lock
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	usher("apply", "tree").must(t, 0)
}

// TestRequestsBesideARunningController: approve, resend and retry leave a request,
// say so, and the next apply performs it.
func TestRequestsBesideARunningController(t *testing.T) {
	studio(t)
	usher("apply", "tree").must(t, 0)
	if err := os.Remove("tree/studio.yaml"); err != nil {
		t.Fatal(err)
	}
	usher("apply", "tree").must(t, 4)
	db, owner := hold(t)
	holds, err := db.Holds(t.Context(), false)
	if err != nil || len(holds) != 1 {
		t.Fatalf("holds: %v, %v; want one", holds, err)
	}
	for _, args := range [][]string{
		{"approve", holds[0].PlanID[:len("sha256:")+8]},
		{"invitation", "resend", "maya"},
	} {
		got := usher(args...).must(t, 0)
		if !strings.Contains(got.stdout, "usher watch (pid ") || !strings.Contains(got.stdout, "Left as request ") {
			t.Errorf("%v does not say what became of it: %s", args, got.stdout)
		}
	}
	requests, err := db.Requests(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, r := range requests {
		kinds = append(kinds, r.Kind+" "+r.Argument)
	}
	want := []string{"approve " + holds[0].PlanID, "resend maya"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	got := usher("apply", "tree").must(t, 0) // approved by the request
	if want := "Applied: 0 people added, 0 changed, 2 removed"; !strings.Contains(got.stdout, want) {
		t.Errorf("the approved plan was not carried out: want %q in\n%s", want, got.stdout)
	}
	open, err := db.Requests(t.Context(), true)
	if err != nil || len(open) != 0 {
		t.Errorf("open requests after apply: %v, %v; want none", open, err)
	}
}

func TestFindHold(t *testing.T) {
	id := func(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }
	holds := []state.Hold{{PlanID: id("a")}, {PlanID: id("b")}, {PlanID: "sha256:" + strings.Repeat("b", 63) + "c"}}
	tests := []struct {
		prefix, want, err string
	}{
		{id("a"), id("a"), ""},
		{"sha256:aaaaaaaa", id("a"), ""},
		{"AAAAAAAAAA", id("a"), ""},
		{"aaaaaaa", "", "8 or more"},
		{"bbbbbbbb", "", "several plans"},
		{id("b"), id("b"), ""},
		{"cccccccc", "", "not found"},
		{"zzzzzzzzz", "", "8 or more"},
		{"", "", "8 or more"},
	}
	for _, test := range tests {
		got, err := findHold(holds, test.prefix)
		if got.PlanID != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("findHold(%q) = %q, %v; want %q, %q", test.prefix, got.PlanID, err, test.want, test.err)
		}
	}
}

func TestParseAt(t *testing.T) {
	when := time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)
	tests := []struct {
		text     string
		revision int64
		when     time.Time
		fails    bool
	}{
		{"7", 7, time.Time{}, false},
		{"2026-11-22", 0, time.Date(2026, 11, 22, 23, 59, 59, 999e6, time.UTC), false},
		{"2026-11-22T10:15:00Z", 0, when, false},
		{"2026-11-22T11:15:00+01:00", 0, when, false},
		{"22.11.2026", 0, time.Time{}, true},
		{"", 0, time.Time{}, true},
	}
	for _, test := range tests {
		revision, got, err := parseAt(test.text)
		if revision != test.revision || !got.Equal(test.when) || (err != nil) != test.fails {
			t.Errorf("parseAt(%q) = %d, %v, %v; want %d, %v", test.text, revision, got, err, test.revision, test.when)
		}
	}
}

func TestParseTime(t *testing.T) {
	tests := []struct {
		text  string
		want  time.Duration
		fails bool
	}{
		{"90d", 90 * 24 * time.Hour, false},
		{"12h", 12 * time.Hour, false},
		{"1h30m", 90 * time.Minute, false},
		{"d", 0, true},
		{"-1d", 0, true},
		{"1.5d", 0, true},
		{"99999999d", 0, true},
		{"90", 0, true},
	}
	for _, test := range tests {
		got, err := parseTime(test.text)
		if (err != nil) != test.fails || err == nil && got != test.want {
			t.Errorf("parseTime(%q) = %v, %v; want %v", test.text, got, err, test.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"users", "teams", "products", "contracts"}
	const all = "there are users, teams, products, contracts"
	for word, want := range map[string]string{
		"user": "did you mean users?", "usres": "did you mean users?", "TEAMS": "did you mean teams?",
		"product": "did you mean products?", "contarcts": "did you mean contracts?", "licence": all, "": all,
	} {
		if got := didYouMean(word, words); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestSettingsAreAllReachable: every setting is a flag, a variable and a key of the
// file, under one name.
func TestSettingsAreAllReachable(t *testing.T) {
	names := settingNames()
	for _, name := range names {
		value := "x-" + name
		variable := "USHER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		for _, way := range []struct {
			how     string
			file    string
			environ map[string]string
			args    []string
		}{
			{"file", name + ": " + value + "\n", nil, nil},
			{"variable", name + ": other\n", map[string]string{variable: value}, nil},
			{"flag", name + ": other\n", map[string]string{variable: "another"}, []string{"--" + name, value}},
		} {
			file := filepath.Join(t.TempDir(), "usher.yaml")
			if err := os.WriteFile(file, []byte(way.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var s settings
			root := &cobra.Command{Use: "usher", RunE: func(c *cobra.Command, _ []string) error { return s.load(c.Flags(), way.environ) }}
			s.flags(root.PersistentFlags())
			root.SetArgs(append(way.args, "--config", file))
			if err := root.ExecuteContext(context.Background()); err != nil {
				t.Fatalf("%s by %s: %v", name, way.how, err)
			}
			if got := root.PersistentFlags().Lookup(name).Value.String(); got != value {
				t.Errorf("%s by %s: got %q, want %q", name, way.how, got, value)
			}
		}
	}
	want := []string{"from", "invitation-ttl", "log-format", "mail", "mail-connections", "mail-password-file", "mail-rate", "max-mail", "max-removals", "private", "state", "templates", "url"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// TestInvitationExpires: one not accepted within 90 days must be sent again, and
// then works for another 90 (DOMAIN.md row 17).
func TestInvitationExpires(t *testing.T) {
	studio(t)
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	status := func(now time.Time) string {
		t.Helper()
		rows, err := csv.NewReader(strings.NewReader(usherAt(now, "get", "users", "maya", "-o", "csv").must(t, 0).stdout)).ReadAll()
		if err != nil || len(rows) != 2 || rows[0][3] != "status" {
			t.Fatalf("users as CSV: %q, %v", rows, err)
		}
		return rows[1][3]
	}
	usherAt(start, "apply", "tree").must(t, 0)
	late := start.AddDate(0, 0, 91)
	for _, step := range []struct {
		now  time.Time
		want string
	}{{start.AddDate(0, 0, 90).Add(-time.Minute), "invited"}, {late, "expired"}} {
		if got := status(step.now); got != step.want {
			t.Errorf("on %v: %s, want %s", step.now, got, step.want)
		}
	}
	got := usherAt(late, "invitation", "resend", "maya").must(t, 0)
	if want := "it opens until 2027-05-22T12:00:00Z"; !strings.Contains(got.stdout, want) {
		t.Errorf("resent: want %q in %q", want, got.stdout)
	}
	if got := status(late); got != "invited" {
		t.Errorf("sent again: %s, want invited", got)
	}
}

// TestAccessEndsByTheCalendar: apply on a later day ends what has passed, as a
// revision of its own that no limit counts, and tells the person.
func TestAccessEndsByTheCalendar(t *testing.T) {
	studio(t)
	tree, err := os.ReadFile("tree/studio.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree = bytes.Replace(tree, []byte("until: 2031-12-31"), []byte("until: 2026-12-15"), 1)
	if err := os.WriteFile("tree/studio.yaml", tree, 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	usherAt(start, "apply", "tree").must(t, 0)
	got := usherAt(start.AddDate(0, 0, 28), "apply", "tree").must(t, 0)
	for _, want := range []string{"The calendar: what was due by today was done; recorded as revision 2, 1 message.", "No changes.", "Delivered: 1 message to dir:outbox."} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("want %q in\n%s", want, got.stdout)
		}
	}
}
