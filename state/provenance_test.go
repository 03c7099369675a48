package state_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/state"
)

// Who made and signed a revision's commit is kept, and covered by the audit.
func TestProvenanceOfARevision(t *testing.T) {
	h := newHouse(t)
	want := state.Provenance{
		Author: "Ada <ada@acme.example>", Committer: "Forge <forge@acme.example>",
		Signer: "ada", Fingerprint: "SHA256:abc", Parents: "0123 4567",
	}
	cause := state.Cause{Kind: state.CauseManifests, Source: "git", Commit: "89ab", Digest: "sha256:1", By: "tester", Provenance: want}
	if _, err := h.owner.Update(t.Context(), cause, 0, func(*state.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	list, err := h.db.Revisions(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, list[0].Provenance); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	must(t, h.verify())
	for _, column := range []string{"author", "committer", "signer", "fingerprint", "parents"} {
		h.tamper("UPDATE revision SET " + column + " = " + column + " || 'x'")
		if h.verify() == nil {
			t.Errorf("%s may be changed unnoticed", column)
		}
		h.tamper("UPDATE revision SET " + column + " = SUBSTR(" + column + ", 1, LENGTH(" + column + ") - 1)")
	}
	must(t, h.verify())
}
