package reconciler_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher/reconciler"
)

// known is a world whose tree can be known by a glance.
type known struct {
	*world
	dir  string
	kept string // digest
	read int    // how often the tree was read
}

func (k *known) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	k.read++
	return k.world.Snapshot(ctx)
}

func (k *known) Glance(ctx context.Context, was reconciler.Snapshot) bool {
	m, err := k.world.Snapshot(ctx)
	return err == nil && m.Digest == was.Digest && was.Digest == k.kept
}

func (k *known) Keep(digest string) error {
	k.kept = digest
	return nil
}

func openKnown(t *testing.T, people int) *known {
	dir := t.TempDir()
	k := &known{world: openWorld(t, dir, city(people)), dir: dir}
	k.restart()
	return k
}

// restart makes a controller that knows nothing but what is kept.
func (k *known) restart() {
	k.ctl = &reconciler.Controller{
		DB: k.db, Source: k, Compose: plain{}, Now: func() time.Time { return k.now }, By: "tester", From: "usher@acme.example",
		Recollection: reconciler.Recollection{File: filepath.Join(k.dir, "usher.db.seen"), Build: "1"},
	}
}

// applied applies, writes to stewards as the command does, and returns the outcome
// and whether the tree was read for it.
func (k *known) applied(reviewed string) (*reconciler.Outcome, bool) {
	k.Helper()
	k.read = 0
	owner := k.own()
	defer owner.Close()
	out, err := k.ctl.Apply(context.Background(), owner, reviewed)
	if err != nil {
		k.Fatal(err)
	}
	if _, err := k.ctl.TellStewards(context.Background(), owner, out, nil); err != nil {
		k.Fatal(err)
	}
	return out, k.read > 0
}

func TestNothingIsReadTwice(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(k *known) // between two applies
		want   bool           // that the tree is read
	}{
		{"nothing", func(*known) {}, false},
		{"another tree", func(k *known) { k.tree["x.yaml"] = user("x", "access: [cad]") }, true},
		{"another day", func(k *known) { k.now = k.now.AddDate(0, 0, 1) }, true},
		{"another usher", func(k *known) { k.ctl.Recollection.Build = "2" }, true},
		{"an usher that knows no build", func(k *known) { k.ctl.Recollection.Build = "" }, true},
		{"no file", func(k *known) { os.Remove(k.ctl.Recollection.File) }, true},
		{"a file cut short", func(k *known) { os.Truncate(k.ctl.Recollection.File, 20) }, true},
		{"another source", func(k *known) { k.ctl.Source = k.world }, false}, // k itself is then never asked
		{"another revision", func(k *known) {
			delete(k.tree, "team0.yaml")
			k.tree["x.yaml"] = user("p0", "access: [cad]") + user("p1", "access: [cad]")
			k.applied("")
			k.tree = city(3)
			k.ctl.Recollection.File = filepath.Join(k.dir, "elsewhere")
			k.applied("")
			k.ctl.Recollection.File = filepath.Join(k.dir, "usher.db.seen")
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := openKnown(t, 3)
			if out, read := k.applied(""); out.Applied == nil || !read {
				t.Fatal("the first apply applied nothing")
			}
			k.restart()
			test.change(k)
			out, read := k.applied("")
			if read != test.want {
				t.Errorf("the tree was read: %v, want %v", read, test.want)
			}
			if !read && (out.Plan == nil || !out.Plan.Empty() || out.Plan.Basis != 1 || out.Read.Digest == "" || out.Applied != nil) {
				t.Errorf("outcome %+v, want an empty plan on revision 1", out)
			}
		})
	}
}

// A plan that was reviewed is always worked out again.
func TestReviewedPlansAreReadAgain(t *testing.T) {
	k := openKnown(t, 3)
	k.applied("")
	k.restart()
	out, read := k.applied("")
	if read {
		t.Fatal("the tree was read though nothing changed")
	}
	k.restart()
	again, read := k.applied(out.Plan.ID)
	if !read {
		t.Error("the tree was not read")
	}
	if again.Plan.ID != out.Plan.ID {
		t.Errorf("plan %s, and %s without reading; want the same", again.Plan.ID, out.Plan.ID)
	}
}

// Holds are released by what is known, as by what is compared.
func TestKnownReleasesHolds(t *testing.T) {
	k := openKnown(t, 60)
	k.applied("")
	whole := k.tree
	k.tree = tree{"firm.yaml": whole["firm.yaml"], "p0.yaml": user("p0")}
	k.ctl.Limits = reconciler.Limits{}
	owner := k.own()
	_, err := k.ctl.Apply(context.Background(), owner, "")
	owner.Close()
	if !errors.As(err, new(*reconciler.HeldError)) {
		t.Fatalf("got %v, want the removal held", err)
	}
	k.tree = whole
	k.restart()
	if _, read := k.applied(""); read {
		t.Error("the tree was read though it is the one applied")
	}
	holds, err := k.db.Holds(context.Background(), false)
	if err != nil || len(holds) != 0 {
		t.Errorf("holds %+v, %v; want none", holds, err)
	}
}
