package reconciler_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// branch is a world whose manifests come from commits: each knows its parent.
type branch struct {
	*world
	head    string
	parents map[string]string
}

func newBranch(t *testing.T) *branch {
	b := &branch{world: newWorld(t, studioTree()), parents: map[string]string{}}
	b.ctl.Source = b
	b.commit("aaaaaaaaaaaa", "")
	return b
}

func studioTree() tree {
	return tree{"studio.yaml": "apiVersion: usher/v1\nkind: Contract\nmetadata: {name: studio}\nspec: {contractManager: ada, products: [{name: cad}]}\n---\n" +
		"apiVersion: usher/v1\nkind: Product\nmetadata: {name: cad}\nspec: {title: CAD}\n---\n" +
		"apiVersion: usher/v1\nkind: User\nmetadata: {name: ada}\nspec: {email: ada@acme.example, firstName: Ada, lastName: Lee}\n"}
}

func (b *branch) commit(id, parent string) { b.head, b.parents[id] = id, parent }

func (b *branch) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	m, err := b.world.Snapshot(ctx)
	m.Source, m.Commit = "git", b.head
	return m, err
}

func (b *branch) Descends(_ context.Context, applied, commit string) (bool, error) {
	for ; commit != ""; commit = b.parents[commit] {
		if commit == applied {
			return true, nil
		}
	}
	return false, nil
}

func (b *branch) Commit(_ context.Context, name string) (reconciler.Commit, error) {
	if _, ok := b.parents[name]; !ok {
		return reconciler.Commit{}, errors.New("there is no commit " + name)
	}
	who := reconciler.Identity{Name: "Ada", Email: "ada@acme.example"}
	return reconciler.Commit{ID: name, Parents: strings.Fields(b.parents[name]), Author: who, Committer: who}, nil
}

// Steps has one unsigned step for the head, after the applied one.
func (b *branch) Steps(ctx context.Context, applied, commit string, today spec.Day) ([]reconciler.Step, error) {
	m, err := b.world.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var files []*spec.File
	for _, f := range m.Files {
		file, _ := spec.Parse(f.Path, f.Data)
		files = append(files, file)
	}
	wanted, _ := spec.Resolve(files, today)
	c, err := b.Commit(ctx, commit)
	base := b.truth().Roster
	if b.truth().Applied.Number == 0 {
		base = wanted
	}
	at := reconciler.Commit{ID: applied}
	c.Author.At, c.Committer.At = b.now, b.now
	at.Committer.At = b.now
	return []reconciler.Step{
		{Commit: at, Standing: reconciler.StandingApplied, Roster: base},
		{Commit: c, Roster: wanted, Signer: reconciler.Signer{Problem: "not signed"}},
	}, err
}

func heldBy(p *reconciler.Plan) []string {
	var list []string
	for _, r := range p.Held {
		list = append(list, r.Rule)
	}
	return list
}

// Each commit is on record, one that changes nothing too, with who made it.
func TestCommitsAreRecorded(t *testing.T) {
	b := newBranch(t)
	b.apply()
	b.commit("bbbbbbbbbbbb", "aaaaaaaaaaaa")
	out := b.apply()
	if out.Applied == nil || out.Applied.Commit != b.head || out.Applied.Changes != 0 {
		t.Fatalf("a commit that changes nothing: %+v", out.Applied)
	}
	want := state.Provenance{Author: "Ada <ada@acme.example>", Committer: "Ada <ada@acme.example>", Parents: "aaaaaaaaaaaa"}
	if out.Applied.Provenance != want {
		t.Errorf("provenance %+v, want %+v", out.Applied.Provenance, want)
	}
	if out := b.apply(); out.Applied != nil {
		t.Errorf("the same commit again is revision %d", out.Applied.Number)
	}
	if p := b.plan(); !slices.ContainsFunc(p.Notes, func(n reconciler.Note) bool { return strings.Contains(n.Message, "--authority none") }) {
		t.Errorf("notes %v do not say that nobody is asked for a signature", p.Notes)
	}
}

// A commit that does not come after the applied one is held; the approval of one is
// not that of another with the same changes.
func TestRewrittenHistoryIsHeld(t *testing.T) {
	b := newBranch(t)
	b.apply()
	b.commit("bbbbbbbbbbbb", "")
	p := b.held()
	if got := heldBy(p); !slices.Equal(got, []string{"history"}) {
		t.Fatalf("held by %v, want history", got)
	}
	b.approve(p.ID)
	b.commit("cccccccccccc", "")
	if other := b.held(); other.ID != p.ID {
		t.Fatalf("the plans are %s and %s; this test wants two commits with one plan", p.ID, other.ID)
	}
	b.commit("bbbbbbbbbbbb", "")
	b.held() // the approval is gone: somebody has to look again
	b.approve(p.ID)
	if out := b.apply(); out.Applied == nil || out.Applied.Commit != "bbbbbbbbbbbb" {
		t.Errorf("approved, %+v was applied", out.Applied)
	}
}

// With authority on, nothing is applied from commits before one is trusted, and
// what nobody signed afterwards cannot be approved.
func TestAuthorityIsNotApproved(t *testing.T) {
	b := newBranch(t)
	b.ctl.Authority = true
	if p := b.held(); !slices.Contains(heldBy(p), "authority") || !strings.Contains(p.Held[len(p.Held)-1].Release, "--trust") {
		t.Fatalf("nothing trusted: held by %v", p.Held)
	}
	b.ctl.Trust = "dddddddddddd"
	if _, err := b.tryApply(); err == nil || !strings.Contains(err.Error(), "--trust") {
		t.Errorf("an unknown commit trusted: %v", err)
	}
	b.ctl.Trust = "aaaaaaaaaaaa"
	b.apply()
	b.edit("studio.yaml", "lastName: Lee", "lastName: Byron")
	b.commit("bbbbbbbbbbbb", "aaaaaaaaaaaa")
	p := b.held()
	if got := heldBy(p); !slices.Equal(got, []string{"authority"}) {
		t.Fatalf("an unsigned commit: held by %v", got)
	}
	owner := b.own()
	err := reconciler.Approve(context.Background(), b.db, owner, p.ID, "ada")
	if !errors.Is(err, reconciler.ErrNotApprovable) {
		t.Errorf("approving it: %v", err)
	}
	if _, err := owner.Approve(context.Background(), p.ID, "ada"); err != nil { // past the door
		t.Fatal(err)
	}
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	b.held()
}
