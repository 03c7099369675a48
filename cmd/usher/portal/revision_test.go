package portal

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"usher/spec"
	"usher/state"
)

// A steward reads what a revision did to people and things of their contracts, and
// that there is more.
func TestRevision(t *testing.T) {
	f := newFirm(t)
	f.write("people.yaml", strings.NewReplacer("Testeve\n  access: [cad]", "Testeve\n  access: [pipes]", "Testida", "Idason").Replace(firmPeople())+firmPerson("nia", ""))
	f.write("team.yaml", "apiVersion: usher/v1\nkind: Team\nmetadata: {name: welders}\nspec: {members: [olu], access: [pipes]}\n")
	out := f.apply()
	path := fmt.Sprintf("/revisions/%d", out.Applied.Number)
	for name, want := range map[string]struct{ says, lacks []string }{
		"grace": { // of design, which eve was under
			says:  []string{"Eve Testeve eve@acme.example taken away cad under design: without end", "Ida Idason ida@acme.example changed lastName: Testida → Idason", "Nia Testnia nia@acme.example account made", "Not shown: 2 more that concern contracts of others."},
			lacks: []string{"pipes", "welders", "olu@"},
		},
		"thora": { // of plant, which eve is under now
			says:  []string{"Eve Testeve eve@acme.example given pipes under plant: without end", "team welders declared as the manifests say", "Olu Testolu", "Nia Testnia", "Not shown: 1 more"},
			lacks: []string{"cad under", "ida@", "Idason"},
		},
	} {
		page := f.as(name).get(path)
		page.says(http.StatusOK, append(want.says, "Because of manifests", "By tester")...)
		page.lacks(want.lacks...)
	}
}

func TestRevisionsArePaged(t *testing.T) {
	f := newFirm(t)
	for i := range 35 {
		_, err := f.owner.Update(f.Context(), state.Cause{Kind: state.CauseManifests, By: fmt.Sprint("hand ", i)}, int64(i+1), func(*state.Tx) error { return nil })
		f.must(err)
	}
	ada := f.as("ada")
	page := ada.get("/revisions")
	table := page.tableOf("Revisions, newest first")
	if got := len(table) - 1; got != revisionsPage || table[1][0] != "36" || table[1][3] != "hand 34" {
		t.Errorf("%d revisions, the first %v; want %d from 36 on", got, table[1], revisionsPage)
	}
	next := page.links()["Next page"]
	page = ada.get(next)
	table = page.tableOf("Revisions, newest first")
	if got := len(table) - 1; got != 6 || table[6][0] != "1" || page.links()["Next page"] != "" || page.links()["First page"] != "/revisions" {
		t.Errorf("%d revisions, the last %v, links %v; want 6 down to 1, and no more", got, table[len(table)-1], page.links())
	}
}

// One revision of many people comes in pages that leave nobody out.
func TestARevisionIsPaged(t *testing.T) {
	f := newFirm(t)
	var more strings.Builder
	for i := range 90 {
		more.WriteString(firmPerson(fmt.Sprintf("x%02d", i), "  access: [pipes]\n"))
	}
	f.write("more.yaml", more.String())
	path := fmt.Sprintf("/revisions/%d", f.apply().Applied.Number)
	seen := map[string]bool{}
	pages := 0
	for ; path != ""; pages++ {
		page := f.as("olu").get(path)
		for _, li := range page.elements("li", "card") {
			seen[textOf(first(li, "h3"))] = true
		}
		path = page.links()["Next page"]
	}
	if len(seen) != 90 || pages != 3 {
		t.Errorf("%d people in %d pages, want 90 in 3", len(seen), pages)
	}
}

func TestRevisionsThatAreNone(t *testing.T) {
	f := newFirm(t)
	for _, path := range []string{"/revisions/0", "/revisions/2", "/revisions/-1", "/revisions/one", "/revisions/1?after=x", "/revisions?after=-3", "/revisions/99999999999999999999"} {
		f.as("ada").get(path).says(http.StatusNotFound, "There is no such page")
	}
}

// What the calendar alone brought about, and who signed and let through, is said.
func TestRevisionSaysWhoAnswersForIt(t *testing.T) {
	f := newFirm(t)
	ctx := f.Context()
	f.must(f.owner.Hold(ctx, state.Hold{PlanID: "sha256:feed", Plan: []byte("{}")}))
	_, err := f.owner.Approve(ctx, "sha256:feed", "ada")
	f.must(err)
	_, err = f.owner.Update(ctx, state.Cause{
		Kind: state.CauseManifests, Source: "git", Commit: "c0ffee", PlanID: "sha256:feed", Approved: true, By: "root",
		Provenance: state.Provenance{Author: "Grace <grace@acme.example>", Signer: "grace", Fingerprint: "SHA256:abc"},
	}, 1, func(tx *state.Tx) error { return tx.UseApproval("sha256:feed") })
	f.must(err)
	f.as("ada").get("/revisions/2").says(http.StatusOK, "manifests, approved", "By signed by grace", "Let through by ada", "Commit c0ffee", "Signed with SHA256:abc",
		"Nothing: the manifests were read, and all was as they say already.")
}

func TestEventWords(t *testing.T) {
	for _, test := range []struct {
		event state.Event
		want  string
	}{
		{state.Event{Action: "grant", Kind: "access", Product: "cad", Contract: "design", To: "until 2027-03-31"}, "given cad under design: until 2027-03-31"},
		{state.Event{Action: "assign", Kind: "role", Contract: "design", Role: string(spec.SoftwareCoordinator)}, "made software coordinator of design"},
		{state.Event{Action: "unassign", Kind: "role", Contract: "design", Role: string(spec.ContractManager)}, "no longer contract manager of design"},
		{state.Event{Action: "suspend", Kind: "user"}, "suspended"},
		{state.Event{Action: "join", Kind: "team", Field: "team", To: "welders"}, "joined team: welders"},
		{state.Event{Action: "add", Kind: "user", To: "Eve <eve@acme.example>"}, "account made: Eve <eve@acme.example>"},
		{state.Event{Action: "remove", Kind: "user"}, "account closed"},
	} {
		if got := eventWords(test.event); got != test.want {
			t.Errorf("%+v: %q, want %q", test.event, got, test.want)
		}
	}
}
