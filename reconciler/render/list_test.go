package render

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"usher/spec"
	"usher/state"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// firm is a truth with two people, one of them with a wide name, and a contract.
func firm() *state.Truth {
	until, _ := spec.ParseDay("2027-03-31")
	grant := spec.Grant{Contract: "acme", Product: "revit", Span: spec.Span{From: spec.Always, Until: until}, Reason: "CAD-1", Because: []spec.Origin{{File: "teams.yaml", Line: 6, Column: 3, Via: "team structural"}}}
	return &state.Truth{
		Roster: &spec.Roster{
			Contracts: []spec.Contract{{Name: "acme", Manager: "ada", Coordinators: []string{"ada"}, Offers: []spec.Offer{{Product: "revit", Seats: 2}, {Product: "vault", Seats: spec.Unlimited}}}},
			Products:  []spec.Product{{Name: "revit", Title: "Revit 2027", Type: spec.TypeProduct}},
			Teams:     []spec.Team{{Name: "structural", Members: []string{"miura"}, Access: []spec.Grant{grant}}},
			Users: []spec.User{
				{Name: "ada", Email: "ada@acme.example", FirstName: "Ada", LastName: "Lovelace", Origin: spec.Origin{File: "people.yaml", Line: 1, Column: 1}},
				{Name: "miura", Email: "true", FirstName: "健", LastName: "三浦, \"K\"", Access: []spec.Grant{grant}, Origin: spec.Origin{File: "people.yaml", Line: 9, Column: 1}},
			},
		},
		Accounts: map[string]state.Account{
			"ada":   {ID: "u1", Name: "ada", Email: "ada@acme.example", FirstName: "Ada", LastName: "Lovelace", Status: state.Active, Issue: 1, Invited: noon, Activated: noon},
			"miura": {ID: "u2", Name: "miura", Email: "true", FirstName: "健", LastName: "三浦, \"K\"", Status: state.Invited, Issue: 2, Invited: noon, Expires: noon.AddDate(0, 0, 90)},
		},
	}
}

func written(t *testing.T, l List, f Format) string {
	t.Helper()
	var b strings.Builder
	if err := l.Write(&b, f, Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTablesAlign: wide characters take two cells, so the columns still stand
// below each other, and no line ends in blanks.
func TestTablesAlign(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(written(t, Users(firm(), nil), Table), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want a heading and two people", len(lines))
	}
	cell := func(line, text string) int {
		head, _, found := strings.Cut(line, text)
		if !found {
			t.Fatalf("%q is not in %q", text, line)
		}
		return width(head)
	}
	for _, column := range []struct{ head, ada, miura string }{
		{"NAME", "ada", "miura"}, {"FULL NAME", "Ada", "健"}, {"EMAIL", "ada@", "true"}, {"STATUS", "active", "invited"},
	} {
		want := cell(lines[0], column.head)
		if a, m := cell(lines[1], column.ada), cell(lines[2], column.miura); a != want || m != want {
			t.Errorf("%s begins at cell %d, below it %d and %d", column.head, want, a, m)
		}
	}
	if got, want := cell(lines[2], "revit"), cell(lines[0], "ACCESS"); got != want {
		t.Errorf("after an empty cell: at %d, want %d", got, want)
	}
	for _, line := range lines {
		if strings.HasSuffix(line, " ") {
			t.Errorf("%q ends in blanks", line)
		}
	}
}

// TestUsersJSON holds the shape that is a public interface.
func TestUsersJSON(t *testing.T) {
	removed := []state.Account{{ID: "u3", Name: "bo", Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek", Status: state.Removed}}
	golden(t, "users.json", written(t, Users(firm(), removed), JSON))
}

// TestFormsAgree: JSON and YAML read back as the same, and CSV as the table's cells.
func TestFormsAgree(t *testing.T) {
	today := spec.DayOf(noon)
	lists := map[string]List{
		"users": Users(firm(), nil), "access": Access(firm(), "", AccessFilter{}), "contracts": Contracts(firm(), today),
		"products": Products(firm(), today), "teams": Teams(firm()), "invitations": Invitations(firm()),
		"mail":      Messages([]state.Message{{ID: 1, To: "a@b", Subject: "x: \"y\"", State: state.MessageFailed, LastError: "550 no", CreatedAt: noon}}),
		"revisions": Revisions([]state.Revision{{Number: 1, At: noon, Cause: state.Cause{Kind: state.CauseManifests, Path: "tree", Digest: "sha256:0", By: "ada"}}}),
		"holds":     Holds([]state.Hold{{PlanID: "sha256:0", At: noon, State: state.HoldHeld, Rules: []state.HeldRule{{Rule: "mail", Message: "too many"}}}}),
		"nothing":   Access(firm(), "nobody", AccessFilter{}),
	}
	for name, list := range lists {
		t.Run(name, func(t *testing.T) {
			var asJSON, asYAML map[string]any
			if err := json.Unmarshal([]byte(written(t, list, JSON)), &asJSON); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal([]byte(written(t, list, YAML)), &asYAML); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(asYAML)
			if err != nil {
				t.Fatal(err)
			}
			var fromYAML map[string]any
			if err := json.Unmarshal(again, &fromYAML); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asJSON, fromYAML); diff != "" {
				t.Errorf("JSON and YAML differ (-json +yaml):\n%s", diff)
			}
			if items, ok := asJSON["items"].([]any); !ok || len(items) != len(list.Rows) || asJSON["format"] != 1.0 {
				t.Errorf("format %v with items %v; want 1 with %d items", asJSON["format"], asJSON["items"], len(list.Rows))
			}
			rows, err := csv.NewReader(strings.NewReader(written(t, list, CSV))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([][]string{list.Heads}, list.Rows...), rows); diff != "" {
				t.Errorf("CSV differs from the rows (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSeatsUsed: a suspended person holds none, a grant to come none today.
func TestSeatsUsed(t *testing.T) {
	truth := firm()
	used := func() int { return Contracts(truth, spec.DayOf(noon)).Items.([]contractItem)[0].Products[0].Used }
	if got := used(); got != 1 {
		t.Errorf("used %d, want 1", got)
	}
	truth.Roster.Users[1].Suspended = true
	if got := used(); got != 0 {
		t.Errorf("suspended: used %d, want 0", got)
	}
	truth.Roster.Users[1].Suspended = false
	truth.Roster.Users[1].Access[0].From = spec.DayOf(noon) + 1
	if got := used(); got != 0 {
		t.Errorf("to come: used %d, want 0", got)
	}
}

func TestDescribe(t *testing.T) {
	truth := firm()
	d := Dossier{
		Account: truth.Accounts["miura"], User: truth.Roster.User("miura"), Roster: truth.Roster, Today: spec.DayOf(noon),
		Messages: []state.Message{{ID: 7, Kind: "invitation", Subject: "Activate", State: state.MessageFailed, LastError: "550 no", CreatedAt: noon}},
		History: []state.Event{
			{Revision: 1, At: noon, Action: "add", Kind: "user", To: "健 三浦", Because: []spec.Origin{{File: "people.yaml", Line: 9, Column: 1}}},
			{Revision: 2, At: noon, Action: "grant", Kind: "access", Contract: "acme", Product: "revit", To: "until 2027-03-31"},
			{Revision: 3, At: noon, Action: "change", Kind: "user", Field: "email", From: "a@b", To: "true"},
			{Revision: 4, At: noon, Action: "unassign", Kind: "role", Contract: "acme", Role: "contractManager"},
		},
	}
	for format, file := range map[Format]string{Text: "describe.txt", JSON: "describe.json", YAML: "describe.yaml"} {
		var b strings.Builder
		if err := Describe(&b, d, format, Options{}); err != nil {
			t.Fatal(err)
		}
		golden(t, file, b.String())
	}
}

// TestStatusWords names what each status follows from (DOMAIN.md, the account's life).
func TestStatusWords(t *testing.T) {
	account := state.Account{Name: "ada", Invited: noon, Expires: noon.AddDate(0, 0, 90), Activated: noon, Removed: noon}
	for status, want := range map[state.Status]string{
		state.Invited:   "invited on 2026-11-22; the invitation opens until 2027-02-20T12:00:00Z",
		state.Expired:   "expired: the invitation of 2026-11-22 was not accepted by 2027-02-20T12:00:00Z; usher invitation resend ada",
		state.Active:    "active since 2026-11-22",
		state.Removed:   "removed on 2026-11-22",
		state.Suspended: "suspended",
	} {
		account.Status = status
		if got := (Dossier{Account: account}).status(); got != want {
			t.Errorf("%s: got %q, want %q", status, got, want)
		}
	}
}

func TestLetter(t *testing.T) {
	message := strings.ReplaceAll(`From: usher <usher@localhost>
To: =?utf-8?q?Zo=C3=AB?= <zoe@acme.example>
Subject: =?utf-8?q?Zug=C3=A4nge?=
X-Other: hidden
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGI+aGk8L2I+
--b--
`, "\n", "\r\n")
	tests := []struct {
		name      string
		html, raw bool
		want      string
	}{
		{"text", false, false, "From: usher <usher@localhost>\nTo: Zoë <zoe@acme.example>\nSubject: Zugänge\n\nGrüße"},
		{"html", true, false, "<b>hi</b>"},
		{"raw", false, true, message},
	}
	for _, test := range tests {
		var b strings.Builder
		if err := Letter(&b, []byte(message), test.html, test.raw); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if err := Letter(&strings.Builder{}, []byte("Content-Type: text/plain\r\n\r\nhi"), true, false); err == nil {
		t.Error("a message without HTML was shown as HTML")
	}
	if err := Letter(&strings.Builder{}, []byte("no message"), false, false); err == nil {
		t.Error("what is no message was shown as one")
	}
}

// No cell of a CSV is a formula to a spreadsheet, and what was one is still legible.
func TestCSVHoldsNoFormulas(t *testing.T) {
	for cell, want := range map[string]string{
		`=HYPERLINK("https://evil.example")`: `'=HYPERLINK("https://evil.example")`,
		"+1+cmd|' /C calc'!A0":               "'+1+cmd|' /C calc'!A0",
		"-2+3":                               "'-2+3",
		"@SUM(1)":                            "'@SUM(1)",
		"\t=1":                               "'\t=1",
		"＝1+1":                               "'＝1+1",
		"-12":                                "-12",
		"":                                   "",
		"ada=1@acme.example":                 "ada=1@acme.example",
		"三浦":                                 "三浦",
	} {
		list := List{Heads: []string{"name"}, Rows: [][]string{{cell}}, Items: []string{cell}}
		rows, err := csv.NewReader(strings.NewReader(written(t, list, CSV))).ReadAll()
		if err != nil || len(rows) < 1 || cell != "" && rows[1][0] != want {
			t.Errorf("%q became %q (%v), want %q", cell, rows, err, want)
		}
		if list.Rows[0][0] != cell {
			t.Errorf("writing %q changed the list", cell)
		}
	}
}
