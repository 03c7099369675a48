package render

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"usher/reconciler"
	"usher/state"
)

// proposal is a pull request that brings so many people, takes access from one in
// ten as many, and lacks the right to part of it.
func proposal(n int) *reconciler.Plan {
	p := crowd(n, "")
	p.Notes, p.Held = []reconciler.Note{{Message: "made without a state"}}, nil
	p.Base = &reconciler.Base{Ref: "refs/heads/main", Tip: strings.Repeat("b", 40), Commit: strings.Repeat("b", 40)}
	p.Revision.Commit = strings.Repeat("c", 40)
	p.Seats = []reconciler.Seats{{Contract: "acme", Product: "autocad", Before: 3, After: 3 + n}}
	for i := range n / 10 {
		key := fmt.Sprintf("q%05d", i)
		p.Changes = append(p.Changes, reconciler.Change{Action: reconciler.Revoke, Kind: reconciler.KindAccess, Subject: key, Contract: "acme", Product: "autocad"})
	}
	signed := reconciler.Judgement{Needs: "software coordinator of acme", Authorised: true, Changes: p.Changes,
		Commits: []reconciler.Answer{{Commit: strings.Repeat("c", 40), Subject: "new people", Signer: "grace"}}}
	p.Authority = []reconciler.Judgement{signed}
	if n > 1 {
		lacking := reconciler.Judgement{Needs: "contract manager of acme", Changes: p.Changes[:1], Ways: []string{"ada signs"},
			Commits: []reconciler.Answer{{Commit: strings.Repeat("d", 40), Subject: "#1 | more", Problem: "not signed"}}}
		p.Authority = []reconciler.Judgement{lacking, signed}
		p.Held = []state.HeldRule{{Rule: "authority", Message: "a commit is not signed", Release: "ada signs"}, {Rule: "removals", Message: "many go", Release: "usher approve x"}}
	}
	return p
}

// outline is a comment without the rows of its tables and lists, which it counts.
func outline(comment string) string {
	var b strings.Builder
	rows := 0
	count := func(end string) {
		if rows > 0 {
			fmt.Fprintf(&b, "%s%d rows\n", end, rows)
		}
		rows = 0
	}
	row := regexp.MustCompile("^(\\| ([+~-] \\||\\*\\*✗\\*\\*|✓|`|[a-z]+ \\| `)|- `)")
	for _, line := range strings.Split(comment, "\n") {
		switch {
		case row.MatchString(line):
			rows++
		case line != "":
			count("  ")
			b.WriteString(line + "\n")
		}
	}
	count("  ")
	return b.String()
}

// TestCommentOfEachSize: what stands open, what is folded and what is cut of 1, 30
// and 3,000 changes.
func TestCommentOfEachSize(t *testing.T) {
	for _, n := range []int{1, 30, 3000} {
		comment := text(t, proposal(n), Markdown, Options{Command: "usher plan --base refs/heads/main --ref HEAD --full"})
		if len(comment) > markdownLimit {
			t.Errorf("%d people: %d bytes", n, len(comment))
		}
		golden(t, fmt.Sprintf("comment-%d.txt", n), outline(comment))
	}
}

// TestCutsAreCounted: what stands in the comment and what it says it leaves out are
// all there is.
func TestCutsAreCounted(t *testing.T) {
	comment := text(t, proposal(3000), Markdown, Options{Command: "usher plan --full"})
	for _, c := range []struct {
		row, rest string
		want      int
	}{
		{"\n| + | `p", "people", 3000},
		{"\n| invitation |", "messages", 3000},
		{"\n- `p", "people", 3000},
	} {
		shown := strings.Count(comment, c.row)
		_, after, _ := strings.Cut(comment[strings.LastIndex(comment, c.row):], "… and ")
		left := 0
		fmt.Sscanf(after, "%d more "+c.rest+"; all of them: `usher plan --full`", &left)
		if shown == 0 || left == 0 || shown+left != c.want {
			t.Errorf("%q: %d shown, %d said to be left out, want %d together", c.row, shown, left, c.want)
		}
	}
}

func TestAuthorityInText(t *testing.T) {
	p := proposal(30)
	p.Changes = p.Changes[:2]
	got := text(t, p, Text, Options{Flags: " --state sqlite:x.db"})
	golden(t, "proposal.txt", got)
	full := text(t, p, Text, Options{Full: true})
	if strings.Count(full, "grant access of") != 30 || strings.Contains(full, "more changes") {
		t.Error("--full leaves judged changes out")
	}
}

// TestAnnotationsOfAPlan: beside lines that somebody sees in the change, and none
// that ends a workflow command early.
func TestAnnotationsOfAPlan(t *testing.T) {
	p := samplePlan()
	p.Held[0].Message += "\n::error::x"
	got := text(t, p, GitHub, Options{Top: "access"})
	golden(t, "annotations.txt", got)
	p.Base = &reconciler.Base{Files: []string{"teams.yaml"}}
	proposed := text(t, p, GitHub, Options{Top: "access"})
	if strings.Contains(proposed, "people.yaml") || !strings.Contains(proposed, "file=access/teams.yaml,line=6,") {
		t.Errorf("a proposal's annotations are not those of the files it changes:\n%s", proposed)
	}
}
