package render

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func at(file string, line int32) []spec.Origin {
	return []spec.Origin{{File: file, Line: line, Column: 5}}
}

// samplePlan has every action and kind there is.
func samplePlan() *reconciler.Plan {
	of := func(n int) *int { return &n }
	user := func(a reconciler.Action, name string, line int32, fields ...reconciler.Field) reconciler.Change {
		return reconciler.Change{Action: a, Kind: reconciler.KindUser, Subject: name, Email: name + "@acme.example", Fields: fields, Because: at("people.yaml", line)}
	}
	access := func(a reconciler.Action, name, product string, line int32, fields ...reconciler.Field) reconciler.Change {
		return reconciler.Change{Action: a, Kind: reconciler.KindAccess, Subject: name, Email: name + "@acme.example", Contract: "acme-design", Product: product, Fields: fields, Because: at("people.yaml", line)}
	}
	role := func(a reconciler.Action, name string, r spec.Role) reconciler.Change {
		return reconciler.Change{Action: a, Kind: reconciler.KindRole, Subject: name, Email: name + "@acme.example", Contract: "acme-design", Role: r, Because: at("contracts.yaml", 5)}
	}
	viaTeam := access(reconciler.Grant, "ada", "revit", 20, reconciler.Field{Name: "until", To: "2027-03-31"}, reconciler.Field{Name: "reason", To: "CAD-1234"})
	viaTeam.Because = []spec.Origin{{File: "teams.yaml", Line: 6, Column: 12, Via: "team structural"}, {File: "people.yaml", Line: 9, Column: 7}}
	return &reconciler.Plan{
		Format: 1, ID: "sha256:" + strings.Repeat("0123456789abcdef", 4), Basis: 7,
		Revision: reconciler.Snapshot{Source: "dir", Path: "examples/acme", Digest: "sha256:" + strings.Repeat("e", 64)},
		People:   map[string]string{"ada": "Ada Lovelace", "bo": "Bo Ek", "cleo": "三 浦"},
		Summary: reconciler.Summary{
			User: reconciler.Counts{Add: 2, Change: 4, Remove: 1}, Access: reconciler.AccessCounts{Grant: 2, Change: 3, Revoke: 1},
			Role: reconciler.RoleCounts{Assign: 1, Unassign: 1}, Team: reconciler.Counts{Change: 1}, Product: reconciler.Counts{Add: 1},
			Contract: reconciler.Counts{Change: 1}, Mail: 3,
		},
		Changes: []reconciler.Change{
			{Action: reconciler.Alter, Kind: reconciler.KindContract, Subject: "acme-design", Fields: []reconciler.Field{{Name: "seats of revit", From: "9", To: "10"}, {Name: "supportEmail", From: "cad@acme.example"}}, Because: at("contracts.yaml", 1)},
			{Action: reconciler.Add, Kind: reconciler.KindProduct, Subject: "revit", Fields: []reconciler.Field{{Name: "title", To: "Revit 2027"}}, Because: at("products.yaml", 1)},
			{Action: reconciler.Alter, Kind: reconciler.KindTeam, Subject: "structural", Fields: []reconciler.Field{{Name: "members", To: "ada"}, {Name: "members", To: "mai"}, {Name: "members", From: "bo"}}, Because: at("teams.yaml", 1)},
			user(reconciler.Add, "ada", 1, reconciler.Field{Name: "firstName", To: "Ada"}, reconciler.Field{Name: "lastName", To: "Lovelace"}),
			role(reconciler.Assign, "ada", spec.SoftwareCoordinator),
			access(reconciler.Grant, "ada", "autocad", 8),
			viaTeam,
			user(reconciler.Remove, "bo", 30),
			role(reconciler.Unassign, "bo", spec.SoftwareCoordinator),
			access(reconciler.Revoke, "bo", "autocad", 35, reconciler.Field{Name: "until", From: "2027-03-31"}),
			user(reconciler.Add, "cleo", 40, reconciler.Field{Name: "account", From: "removed", To: "returned"}, reconciler.Field{Name: "firstName", To: "三"}, reconciler.Field{Name: "lastName", To: "浦"}, reconciler.Field{Name: "suspended", To: "true"}),
			user(reconciler.Rename, "dora", 50, reconciler.Field{Name: "name", From: "dora.byron", To: "dora"}),
			user(reconciler.Alter, "dora", 50, reconciler.Field{Name: "lastName", From: "Byron", To: "Lovelace"}),
			access(reconciler.Alter, "dora", "autocad", 55, reconciler.Field{Name: "until", From: "2027-03-31", To: "2027-06-30"}),
			access(reconciler.Alter, "dora", "revit", 56, reconciler.Field{Name: "contract", From: "acme-plant", To: "acme-design"}),
			access(reconciler.Alter, "dora", "vault", 57, reconciler.Field{Name: "until", To: "2027-06-30"}),
			user(reconciler.Suspend, "eve", 60),
			user(reconciler.Restore, "finn", 70),
			user(reconciler.Resend, "gus", 80, reconciler.Field{Name: "invitation.generation", From: "1", To: "2"}),
		},
		Seats: []reconciler.Seats{{Contract: "acme-design", Product: "autocad", Before: 8, After: 10, Of: of(10)}, {Contract: "acme-design", Product: "cloud-rendering", Before: 3, After: 4}},
		Mail: []reconciler.Mail{
			{Kind: reconciler.NoticeInvitation, To: "ada@acme.example", Subject: "Activate your software account"},
			{Kind: reconciler.NoticeRemoved, To: "bo@acme.example", Subject: "Your software account was closed"},
			{Kind: reconciler.NoticeInvitation, To: "gus@acme.example", Subject: "A new invitation"},
		},
		Held:  []state.HeldRule{{Rule: "handover", Scope: "acme-design", Count: 1, Message: "contract acme-design would pass from bo to ada", Release: "usher approve sha256:0123456789abcdef"}},
		Notes: []reconciler.Note{{Message: "user gus has activated the account", File: "people.yaml", Line: 84, Column: 3}, {Message: "a note without a place"}},
	}
}

func text(t *testing.T, p *reconciler.Plan, f Format, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := Plan(&b, p, f, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanInEachForm(t *testing.T) {
	p := samplePlan()
	golden(t, "plan.txt", text(t, p, Text, Options{Flags: " --state sqlite:x.db"}))
	golden(t, "plan-full.txt", text(t, p, Text, Options{Full: true}))
	golden(t, "plan-colour.txt", text(t, p, Text, Options{Color: true}))
	golden(t, "plan.md", text(t, p, Markdown, Options{}))
	p.Approved = true
	approved := text(t, p, Text, Options{})
	if strings.Contains(approved, "To let it through") || strings.Contains(approved, "; held.") || !strings.Contains(approved, "Approved: ") {
		t.Errorf("an approved plan still reads as held:\n%s", approved)
	}
}

// TestColourCarriesNoMeaning: without its colours, the coloured plan is the plain one.
func TestColourCarriesNoMeaning(t *testing.T) {
	coloured := text(t, samplePlan(), Text, Options{Color: true})
	if !strings.Contains(coloured, "\x1b[32m") {
		t.Fatal("the coloured plan has no green in it")
	}
	var b strings.Builder
	for i, part := range strings.Split(coloured, "\x1b[") {
		if _, rest, ok := strings.Cut(part, "m"); ok && i > 0 {
			part = rest
		}
		b.WriteString(part)
	}
	if diff := cmp.Diff(text(t, samplePlan(), Text, Options{}), b.String()); diff != "" {
		t.Errorf("plain and stripped (-plain +stripped):\n%s", diff)
	}
}

func TestPlanJSONHasNoNulls(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal([]byte(text(t, &reconciler.Plan{Format: 1}, JSON, Options{})), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"changes", "seats", "mail", "held", "notes"} {
		if list, ok := got[key].([]any); !ok || len(list) != 0 {
			t.Errorf("%s of an empty plan is %v, want []", key, got[key])
		}
	}
}

func TestSummaryLine(t *testing.T) {
	held := []state.HeldRule{{Rule: "mail"}}
	change := []reconciler.Change{{}}
	tests := []struct {
		name          string
		plan          reconciler.Plan
		want, applied string
	}{
		{"nothing, ever", reconciler.Plan{}, "No changes. The manifests declare nothing, and nothing has been applied.", "No changes. Recorded as revision 8."},
		{"nothing new", reconciler.Plan{Basis: 7}, "No changes. The manifests and revision 7 agree.", "No changes. Recorded as revision 8."},
		{"one of each", reconciler.Plan{Changes: change, Summary: reconciler.Summary{User: reconciler.Counts{Add: 1}, Mail: 1}},
			"Plan: 1 person to add, 0 to change, 0 to remove; access: 0 to grant, 0 to change, 0 to revoke; 1 message to send.",
			"Applied: 1 person added, 0 changed, 0 removed; access: 0 granted, 0 changed, 0 revoked; 1 message queued."},
		{"everything, held", reconciler.Plan{Changes: change, Held: held, Summary: reconciler.Summary{
			User: reconciler.Counts{Add: 1, Change: 2, Remove: 3}, Access: reconciler.AccessCounts{Grant: 4, Change: 5, Revoke: 6}, Role: reconciler.RoleCounts{Assign: 7, Unassign: 8},
			Contract: reconciler.Counts{Add: 9}, Product: reconciler.Counts{Change: 10}, Team: reconciler.Counts{Remove: 11}, Mail: 12}},
			"Plan: 1 person to add, 2 to change, 3 to remove; access: 4 to grant, 5 to change, 6 to revoke; roles: 7 to assign, 8 to withdraw; contracts: 9 to add, 0 to change, 0 to remove; products: 0 to add, 10 to change, 0 to remove; teams: 0 to add, 0 to change, 11 to remove; 12 messages to send; held.",
			"Applied: 1 person added, 2 changed, 3 removed; access: 4 granted, 5 changed, 6 revoked; roles: 7 assigned, 8 withdrawn; contracts: 9 added, 0 changed, 0 removed; products: 0 added, 10 changed, 0 removed; teams: 0 added, 0 changed, 11 removed; 12 messages queued."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Summary(&test.plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.applied, Applied(&test.plan, &state.Revision{Number: 8})); diff != "" {
				t.Errorf("applied (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, Applied(&test.plan, nil)); diff != "" {
				t.Errorf("nothing written (-want +got):\n%s", diff)
			}
		})
	}
}

// crowd is a plan that adds so many people with names as given.
func crowd(n int, name string) *reconciler.Plan {
	p := &reconciler.Plan{Format: 1, ID: "sha256:" + strings.Repeat("a", 64), Summary: reconciler.Summary{User: reconciler.Counts{Add: n}, Mail: n}}
	for i := range n {
		key := fmt.Sprintf("p%05d", i)
		p.Changes = append(p.Changes,
			reconciler.Change{Action: reconciler.Add, Kind: reconciler.KindUser, Subject: key, Email: key + "@acme.example", Because: at("people.yaml", int32(i+1)), Fields: []reconciler.Field{{Name: "firstName", To: name}}},
			reconciler.Change{Action: reconciler.Grant, Kind: reconciler.KindAccess, Subject: key, Contract: "acme", Product: "autocad", Because: at("people.yaml", int32(i+1))})
		p.Mail = append(p.Mail, reconciler.Mail{Kind: reconciler.NoticeInvitation, To: key + "@acme.example", Subject: "Activate"})
		p.Held = append(p.Held, state.HeldRule{Rule: "mail", Message: name + " is held"})
		p.Notes = append(p.Notes, reconciler.Note{Message: name})
	}
	return p
}

func TestLargePlansFold(t *testing.T) {
	p := crowd(5000, "Ada")
	folded := text(t, p, Text, Options{})
	if lines := strings.Count(folded, "\n"); lines > 120 {
		t.Errorf("a plan for 5,000 people has %d lines", lines)
	}
	for _, want := range []string{"+ 5000 people to add", "… and 4990 more", "autocad  under acme  +5000", "5000 messages: 5000 invitations", "… and 4988 more messages; --full lists them"} {
		if !strings.Contains(folded, want) {
			t.Errorf("the folded plan does not say %q", want)
		}
	}
	if full := text(t, p, Text, Options{Full: true}); !strings.Contains(full, "(p04999)") || strings.Contains(full, "… and") {
		t.Error("--full leaves something out")
	}
}

func TestMarkdownFitsAComment(t *testing.T) {
	for _, n := range []int{1, 100, 400, 20_000} {
		got := text(t, crowd(n, "Ada @team #1 | `x` <b>"), Markdown, Options{})
		if len(got) > markdownLimit {
			t.Errorf("%d people: %d bytes, more than %d", n, len(got), markdownLimit)
		}
		if !strings.Contains(got, Count(n, "person", "people")+" to add") {
			t.Errorf("%d people: the headline is missing", n)
		}
		if n == 20_000 && !strings.Contains(got, "more people") {
			t.Errorf("%d people: what was left out is not counted", n)
		}
	}
	long := crowd(1, strings.Repeat("x", markdownLimit))
	if got := text(t, long, Markdown, Options{}); len(got) > markdownLimit {
		t.Errorf("one very long name: %d bytes", len(got))
	}
}

func TestMarkdownIsHarmless(t *testing.T) {
	tests := []struct{ in, escaped, code string }{
		{"Ada Lovelace", "Ada Lovelace", "`Ada Lovelace`"},
		{"a|b", `a\|b`, "`a\\|b`"},
		{"@torvalds", "@&#8203;torvalds", "`@torvalds`"},
		{"fixes #1", "fixes #&#8203;1", "`fixes #1`"},
		{"<script>&", "&lt;script&gt;&amp;&#8203;", "`<script>&`"},
		{"`x` ``", "\\`x\\` \\`\\`", "``` `x` `` ```"},
		{"*a* _b_ [c](d) !e ~f~ \\", `\*a\* \_b\_ \[c\](d) \!&#8203;e \~&#8203;f\~&#8203; ` + `\\`, "`*a* _b_ [c](d) !e ~f~ \\`"},
		{"https://x.example WWW.a www.b GH-1", "https:&#8203;//x.example WWW.a www&#8203;.b GH&#8203;-1", "`https://x.example WWW.a www.b GH-1`"},
		{"a\nb\r\x1b[31m", "a\uFFFDb\uFFFD\uFFFD\\[31m", "`a\uFFFDb\uFFFD\uFFFD[31m`"},
	}
	for _, test := range tests {
		if got := escape(test.in); got != test.escaped {
			t.Errorf("escape(%q) = %q, want %q", test.in, got, test.escaped)
		}
		if got := code(test.in); got != test.code {
			t.Errorf("code(%q) = %q, want %q", test.in, got, test.code)
		}
	}
}

func TestUnknownFormatsAreRefused(t *testing.T) {
	var b strings.Builder
	if err := Plan(&b, samplePlan(), CSV, Options{}); err == nil || !strings.Contains(err.Error(), "use one of text, markdown, json or github") {
		t.Errorf("a plan as CSV: %v", err)
	}
	if _, err := ListFormats.Parse("xml"); err == nil || err.Error() != `unknown format "xml": use one of table, json, yaml or csv` {
		t.Errorf("a list as xml: %v", err)
	}
}

// TestPlanReadBack: a plan that comes as JSON, from a file or a server, reads the same
// as one that was worked out here.
func TestPlanReadBack(t *testing.T) {
	p := samplePlan()
	var text strings.Builder
	if err := PlanJSON(&text, p); err != nil {
		t.Fatal(err)
	}
	var back reconciler.Plan
	if err := json.Unmarshal([]byte(text.String()), &back); err != nil {
		t.Fatal(err)
	}
	for _, f := range PlanFormats {
		var want, got strings.Builder
		if err := Plan(&want, p, f, Options{Full: true}); err != nil {
			t.Fatal(err)
		}
		if err := Plan(&got, &back, f, Options{Full: true}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
	}
}

// What belongs to a person is found wherever it stands in a plan.
func TestPeopleOfAPlanInAnyOrder(t *testing.T) {
	change := func(kind reconciler.Kind, action reconciler.Action, who, product string) reconciler.Change {
		return reconciler.Change{Kind: kind, Action: action, Subject: who, Email: who + "@acme.example", Product: product, Contract: "design"}
	}
	ada, bo := change(reconciler.KindUser, reconciler.Add, "ada", ""), change(reconciler.KindUser, reconciler.Add, "bo", "")
	cad, bim := change(reconciler.KindAccess, reconciler.Grant, "ada", "cad"), change(reconciler.KindAccess, reconciler.Grant, "ada", "bim")
	sim, last := change(reconciler.KindAccess, reconciler.Grant, "bo", "sim"), change(reconciler.KindAccess, reconciler.Grant, "ada", "viz")
	sorted := &reconciler.Plan{Changes: []reconciler.Change{ada, cad, bim, last, bo, sim}}
	mixed := &reconciler.Plan{Changes: []reconciler.Change{ada, cad, bim, bo, last, sim}}
	if diff := cmp.Diff(text(t, sorted, Text, Options{Full: true}), text(t, mixed, Text, Options{Full: true})); diff != "" {
		t.Errorf("text (-sorted +mixed):\n%s", diff)
	}
	if diff := cmp.Diff([]reconciler.Change{ada, cad, bim, bo, last, sim}, mixed.Changes, cmpopts.IgnoreUnexported(reconciler.Change{})); diff != "" {
		t.Errorf("the plan was altered (-was +is):\n%s", diff)
	}
}
