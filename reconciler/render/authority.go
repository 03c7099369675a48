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

// authority stands open where a right is lacking, with what supplies it.
func (m *comment) authority(p *reconciler.Plan) {
	if len(p.Authority) == 0 {
		return
	}
	var ways []string
	for i := range p.Authority {
		ways = append(ways, p.Authority[i].Ways...)
	}
	table := rows{[]string{"", "it takes the", "for", "commits"}, len(p.Authority), func(i int) []string {
		return judgementCells(&p.Authority[i])
	}, "right", "rights"}
	if len(ways) == 0 {
		m.details("Authority: every change is signed by somebody who may make it", func() { m.table(table) })
		return
	}
	m.folded("Authority: some commits lack the right to what they change", table)
	m.WriteString("\nThe merge may still supply it:\n")
	m.list(len(ways), min(m.rows, foldHeld), func(i int) string { return escape(ways[i]) }, "way", "ways")
}

func judgementCells(j *reconciler.Judgement) []string {
	sign := "✅"
	if !j.Authorised {
		sign = "❌"
	}
	changes := make([]string, len(j.Changes))
	for i := range j.Changes {
		changes[i] = escape(j.Changes[i].Words())
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
