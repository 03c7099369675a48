package render

import "usher/reconciler"

// authority says what right the changes of a proposal take, and who answers for
// them.
func (t *page) authority(p *reconciler.Plan) {
	if len(p.Authority) == 0 {
		return
	}
	t.section("Authority")
	shown := t.limit(len(p.Authority), foldObjects)
	for i := range p.Authority[:shown] {
		t.judgement(&p.Authority[i])
	}
	t.rest("  ", len(p.Authority)-shown, "right", "rights")
}

func (t *page) judgement(j *reconciler.Judgement) {
	line := j.Needs + ", for " + Count(len(j.Changes), "change", "changes")
	if j.Authorised {
		t.line("  " + t.sign("+", "✓ "+line))
	} else {
		t.line("  " + t.warn("! "+line))
	}
	shown := t.limit(len(j.Changes), foldChanges)
	for i := range j.Changes[:shown] {
		t.line("      " + j.Changes[i].Words())
	}
	t.rest("      ", len(j.Changes)-shown, "change", "changes")
	for _, a := range j.Commits {
		t.line("    " + t.dim("commit "+answer(a, j.Authorised)))
	}
}

// foldChanges is how many changes of one judgement are listed.
const foldChanges = 5

// answer is "0123456789ab more seats: signed by grace", and what is lacking.
func answer(a reconciler.Answer, enough bool) string {
	text := ShortCommit(a.Commit) + " " + a.Subject + ": "
	switch {
	case a.Problem != "" && a.Signer != "":
		return text + "signed by " + a.Signer + ", but " + a.Problem
	case a.Problem != "":
		return text + a.Problem
	case enough:
		return text + "signed by " + a.Signer
	}
	return text + "signed by " + a.Signer + ", who is not that"
}

// ShortCommit is enough of a commit's id for a person to read and git to find.
func ShortCommit(id string) string { return id[:min(12, len(id))] }

// authority stands open where a right is lacking, with what supplies it; what is
// signed as it should be is folded.
func (m *comment) authority(p *reconciler.Plan) {
	lacking := 0 // they come first
	var ways []string
	for lacking < len(p.Authority) && !p.Authority[lacking].Authorised {
		ways = append(ways, p.Authority[lacking].Ways...)
		lacking++
	}
	if lacking > 0 {
		m.folded("Lacking the right", judgements(p.Authority[:lacking]))
		m.WriteString("\nWhat supplies it; the merge still may:\n")
		m.list(len(ways), min(m.rows, foldHeld), func(i int) string { return escape(ways[i]) }, "way", "ways")
	}
	if n := countJudged(p.Authority[lacking:]); n > 0 {
		m.details(Count(n, "change", "changes")+" signed by somebody with the right", func() { m.table(judgements(p.Authority[lacking:])) })
	}
}

func countJudged(list []reconciler.Judgement) (n int) {
	for i := range list {
		n += len(list[i].Changes)
	}
	return n
}

func judgements(list []reconciler.Judgement) rows {
	return rows{[]string{"", "it takes the", "for", "commit"}, len(list), func(i int) []string {
		return judgementCells(&list[i])
	}, "right", "rights"}
}

func judgementCells(j *reconciler.Judgement) []string {
	sign := "✓"
	if !j.Authorised {
		sign = "**✗**"
	}
	shown := min(len(j.Changes), foldChanges)
	changes := make([]string, shown)
	for i := range changes {
		changes[i] = escape(j.Changes[i].Words())
	}
	if left := len(j.Changes) - shown; left > 0 {
		changes = append(changes, "… and "+more(left, "change", "changes"))
	}
	commits := make([]string, len(j.Commits))
	for i, a := range j.Commits {
		commits[i] = escape(answer(a, j.Authorised))
	}
	if len(commits) == 0 {
		commits = []string{"as it was accepted before"}
	}
	return []string{sign, escape(j.Needs), cellList(changes), cellList(commits)}
}
