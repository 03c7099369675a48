package reconciler_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFirstApply(t *testing.T) {
	w := newWorld(t, firm())
	out := w.apply()
	want := []string{
		"add contract design seats of cad:>10 seats of cloud:>unlimited supportEmail:>help@acme.example",
		"add product cad title:>cad type:>product",
		"add product cloud title:>cloud type:>product",
		"add user ada firstName:>Ada lastName:>Lee",
		"assign role ada design contractManager",
		"add user bo firstName:>Bo lastName:>Lee",
		"grant access bo cad design",
		"add user grace firstName:>Grace lastName:>Lee",
		"assign role grace design softwareCoordinator",
		"grant access grace cad design",
	}
	if diff := cmp.Diff(want, changes(out.Plan)); diff != "" {
		t.Error(diff)
	}
	wantMail := []string{
		"invitation to ada@acme.example +contractManager of design",
		"roles to ada@acme.example +softwareCoordinator of design for Grace Lee",
		"invitation to bo@acme.example +cad =cad",
		"invitation to grace@acme.example +cad =cad +softwareCoordinator of design",
	}
	if diff := cmp.Diff(wantMail, w.mailed(1)); diff != "" {
		t.Error(diff)
	}
	if p := w.plan(); !p.Empty() {
		t.Errorf("after apply the plan is not empty: %v", changes(p))
	}
	if out := w.apply(); out.Applied != nil {
		t.Errorf("applied twice: revision %d was written", out.Applied.Number)
	}
	w.verify()
}
