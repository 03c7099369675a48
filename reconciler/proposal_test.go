package reconciler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/spec"
)

// archive is a repository of a test: the tree of each commit of a history, the last
// of which is wanted. It has no database beside it.
type archive struct {
	*past
	readings int
}

func (a *archive) At(_ context.Context, name string) (*reconciler.Manifests, error) {
	tr, ok := a.trees[name]
	switch {
	case !ok:
		return nil, errors.New("there is no commit " + name)
	case len(tr) == 0:
		return nil, fmt.Errorf("%w access in it", reconciler.ErrNoFolder)
	}
	a.readings++
	m := &reconciler.Manifests{Snapshot: reconciler.Snapshot{Source: "git", Commit: name}}
	for path, text := range tr {
		m.Files = append(m.Files, reconciler.ManifestFile{Path: path, Data: []byte(text), Sum: reconciler.SumOf([]byte(text))})
	}
	slices.SortFunc(m.Files, func(x, y reconciler.ManifestFile) int { return strings.Compare(x.Path, y.Path) })
	return m, nil
}

func (a *archive) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	return a.At(ctx, a.last())
}

func (a *archive) Settled(_ context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	return first, nil
}

func (a *archive) Commit(_ context.Context, name string) (reconciler.Commit, error) {
	for i := range a.steps {
		if a.steps[i].ID == name {
			return a.steps[i].Commit, nil
		}
	}
	return reconciler.Commit{}, errors.New("there is no commit " + name)
}

func (a *archive) ancestors(commit string) map[string]bool {
	found := map[string]bool{commit: true}
	for _, s := range slices.Backward(a.steps) {
		for _, parent := range s.Parents {
			found[parent] = found[parent] || found[s.ID]
		}
	}
	return found
}

func (a *archive) MergeBase(_ context.Context, base, commit string) (reconciler.Commit, error) {
	ours, theirs := a.ancestors(base), a.ancestors(commit)
	for _, s := range slices.Backward(a.steps) {
		if ours[s.ID] && theirs[s.ID] {
			return s.Commit, nil
		}
	}
	return reconciler.Commit{}, nil
}

func (a *archive) Descends(_ context.Context, applied, commit string) (bool, error) {
	return a.ancestors(commit)[applied], nil
}

func (a *archive) Steps(_ context.Context, applied, commit string, _ spec.Day) ([]reconciler.Step, error) {
	before, wanted := a.ancestors(applied), a.ancestors(commit)
	var steps []reconciler.Step
	for _, s := range a.steps {
		s.Standing = reconciler.StandingNew
		switch {
		case s.ID == applied:
			s.Standing = reconciler.StandingApplied
		case before[s.ID] || !wanted[s.ID]:
			continue
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// propose compares the last commit with a base, with no database.
func (h *past) propose(t *testing.T, base string) *reconciler.Plan {
	t.Helper()
	c := &reconciler.Controller{Source: &archive{past: h}, Compose: plain{}, Authority: true, Now: func() time.Time { return judgedAt }}
	p, err := c.Propose(context.Background(), base)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// judged writes judgements one a line.
func judged(p *reconciler.Plan) []string {
	var list []string
	for _, j := range p.Authority {
		verdict := "lacks"
		if j.Authorised {
			verdict = "has"
		}
		var what, who []string
		for i := range j.Changes {
			what = append(what, j.Changes[i].Words())
		}
		for _, a := range j.Commits {
			who = append(who, strings.TrimSpace(a.Signer+" "+a.Problem))
		}
		list = append(list, fmt.Sprintf("%s: %s: %s %s", strings.Join(who, ", "), strings.Join(what, ", "), verdict, j.Needs))
	}
	return list
}

func TestJudgementsOfAProposal(t *testing.T) {
	base := designAndBuild()
	for _, c := range []struct {
		name  string
		build func(h *past)
		want  []string
	}{
		{"changes of one right come together", func(h *past) {
			h.commit("grace", all(base, boIsEk, evaGetsCloud))
		}, []string{
			"grace: change user bo (lastName), grant access of eva to cloud under design: has software coordinator of design",
		}},
		{"what lacks a right comes first", func(h *past) {
			tr := boIsEk(base)
			h.commit("grace", tr)
			h.commit("unsigned", seats("20")(tr))
		}, []string{
			"not signed: change contract design (seats of cad): lacks contract manager of design",
			"grace: change user bo (lastName): has software coordinator of design",
		}},
		{"a trailer answers", func(h *past) {
			id := h.commit("grace", seats("20")(base))
			h.add(authorising("ada", id), seats("20")(base))
		}, []string{"ada: change contract design (seats of cad): has contract manager of design"}},
		{"what was put back needs nobody", func(h *past) {
			h.commit("unsigned", seats("20")(base))
			h.commit("unsigned", base)
		}, nil},
		{"who put the value there that stays", func(h *past) {
			h.commit("ada", seats("20")(base))
			h.commit("grace", seats("30")(base))
			h.commit("unsigned", seats("20")(base))
		}, []string{"ada: change contract design (seats of cad): has contract manager of design"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newPast(base)
			first := h.last()
			c.build(h)
			equal(t, c.want, judged(h.propose(t, first)))
		})
	}
}

// A power that the base took away since does not count, as no merge would give it
// back; one that the branch gives does.
func TestJudgementsWhereTheBaseMovedOn(t *testing.T) {
	base := designAndBuild()
	h := newPast(base)
	first := h.last()
	tip := h.commit("ada", graceGoes(base), first)
	side := boCoordinates(base)
	h.commit("ada", side, first)
	h.commit("grace", boIsEk(side))
	h.commit("bo", evaGetsCloud(boIsEk(side)))
	p := h.propose(t, tip)
	equal(t, []string{
		"grace: change user bo (lastName): lacks software coordinator of design",
		"ada: bo becomes softwareCoordinator of design: has contract manager of design",
		"bo: grant access of eva to cloud under design: has software coordinator of design",
	}, judged(p))
	if p.Base.Commit != first || p.Base.Tip != tip {
		t.Errorf("compared with %+v, want commit %s and tip %s", p.Base, first, tip)
	}
}

// A base that is not valid counts as the last before it that is; one without any as
// nothing.
func TestProposalOnABaseThatIsNotValid(t *testing.T) {
	base := designAndBuild()
	h := newPast(base)
	first := h.last()
	broken := signedBy("ada")
	broken.Subject = "broken"
	at := h.add(broken, brokenYAML(seats("20")(base)))
	h.commit("ada", seats("20")(base))
	p := h.propose(t, at)
	equal(t, []string{"ada, ada: change contract design (seats of cad): has contract manager of design"}, judged(p))
	if p.Base.Commit != first || !strings.Contains(p.Notes[0].Message, "are not valid: broken.yaml:1:2") {
		t.Errorf("compared with %q, notes %+v", p.Base.Commit, p.Notes)
	}

	h = &past{base: tree{}, trees: map[string]tree{}}
	broken.Standing = reconciler.StandingApplied
	at = h.add(broken, tree{})
	h.commit("ada", base)
	p = h.propose(t, at)
	if p.Base.Commit != "" || p.Authority != nil || p.Summary.User.Add != 7 || !strings.Contains(p.Notes[0].Message, "has no manifests to compare with: there is no folder access") {
		t.Errorf("compared with %q, %+v, notes %+v", p.Base.Commit, p.Summary, p.Notes)
	}
}

// People of a base are taken for active, but for those whom the proposal invites
// again; and the limits count them.
func TestProposalCountsPeopleOfTheBase(t *testing.T) {
	base := designAndBuild()
	h := newPast(base)
	first := h.last()
	h.commit("ada", base.with("bo.yaml", "email: bo@", "email: bo.lee@").with("eva.yaml", "access:", "invitation: {generation: 2}\n  access:").without("sam.yaml").
		with("build.yaml", "[sam]", "[olu]"))
	p := h.propose(t, first)
	equal(t, []string{"email-old bo", "email bo", "invitation eva", "roles olu", "removed sam"}, kinds(p))

	empty := newPast(base)
	first = empty.last()
	for _, name := range []string{"bo", "eva"} {
		base = base.without(name + ".yaml")
	}
	empty.commit("ada", base.with("team.yaml", "members: [bo]", "members: [ada]"))
	c := &reconciler.Controller{Source: &archive{past: empty}, Compose: plain{}, Now: func() time.Time { return judgedAt }, Limits: reconciler.Limits{Removals: reconciler.Limit{Number: 1, Set: true}}}
	p, err := c.Propose(context.Background(), first)
	if err != nil || len(p.Held) == 0 || !strings.HasPrefix(p.Held[0].Message, "2 people of 7 would") || !strings.HasPrefix(p.Held[0].Release, "once it is merged") {
		t.Errorf("%v, held %+v", err, p.Held)
	}
}

func kinds(p *reconciler.Plan) []string {
	var list []string
	for i := range p.Mail {
		list = append(list, string(p.Mail[i].Kind)+" "+p.Mail[i].Notice().Person.Name)
	}
	return list
}

// What supplies a right is said with the commands: for the last commit, and for one
// with others on top.
func TestWaysToSupplyARight(t *testing.T) {
	base := designAndBuild()
	h := newPast(base)
	first := h.last()
	early := h.commit("grace", seats("20")(base))[:12]
	late := h.commit("unsigned", boIsEk(seats("20")(base)))[:12]
	p := h.propose(t, first)
	equal(t, []string{
		"ada signs commit " + early + " anew (git rebase --exec 'git commit --amend --no-edit -S' " + early + "^), or the branch squashed into one",
		"ada signs the merge commit, with the trailer Usher-Authorises: " + early,
	}, p.Authority[0].Ways)
	equal(t, []string{
		"one of ada, grace signs commit " + late + " anew (git commit --amend --no-edit -S), or the branch squashed into one",
		"one of ada, grace signs the merge commit, with the trailer Usher-Authorises: " + late,
	}, p.Authority[1].Ways)
}
