package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/reconciler"
	"usher/state"
)

// crowded is a firm of which a plan is held: six of eight people lose access to cad,
// and where across, one person loses access to pipes as well.
func crowded(t *testing.T, across bool) *firm {
	t.Helper()
	f := newFirm(t)
	var more strings.Builder
	for i := range 6 {
		more.WriteString(firmPerson(fmt.Sprintf("d%d", i), "  access: [cad]\n"))
	}
	f.write("more.yaml", more.String()+firmPerson("piper", "  access: [pipes]\n"))
	f.apply()
	left := strings.ReplaceAll(more.String(), "  access: [cad]\n", "") + firmPerson("piper", "  access: [pipes]\n")
	if across {
		left = strings.Replace(left, "  access: [pipes]\n", "", 1)
	}
	f.write("more.yaml", left)
	return f
}

// watch lets a loop work on the firm until the test ends, and waits for its plan to
// be held.
func (f *firm) watch() *reconciler.Loop {
	f.Helper()
	f.control.Limits = reconciler.Limits{}
	loop := &reconciler.Loop{
		Controller: f.control, Owner: f.owner, Log: slog.New(slog.DiscardHandler),
		Timing: reconciler.Timing{Requests: 10 * time.Millisecond},
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	f.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			f.Errorf("the loop ended: %v", err)
		}
	})
	f.until(func() bool { return loop.Held() != nil })
	f.furnish(Options{Held: loop.Held})
	return loop
}

// A held plan is read by the stewards it concerns, and let through by the manager of
// the contract, in their name, once.
func TestHeldPlanIsApproved(t *testing.T) {
	f := crowded(t, false)
	loop := f.watch()
	id := loop.Held().Plan.ID
	path, approve := "/holds/"+id, "/holds/"+id+"/approve"

	f.as("ada").get("/holds").says(http.StatusOK, "held", "It is held because: 6 people", "Read it and decide")
	page := f.as("ada").get(path)
	page.says(http.StatusOK, "6 people", "D3 Testd3 <d3@acme.example>", "- cad under design", "Approve this plan")

	page = f.as("grace").get(path)
	page.says(http.StatusOK, "D3 Testd3", "To let it through takes the contract manager of design")
	page.lacks("Approve this plan")
	f.as("grace").post(approve, nil).says(http.StatusForbidden)

	page = f.as("olu").get(path)
	page.says(http.StatusOK, "Nothing that concerns your contracts.", "Not shown: 6 changes that concern contracts of others.")
	page.lacks("Testd3", "d3@", "Approve this plan")
	f.as("olu").post(approve, nil).says(http.StatusForbidden, "This plan is not yours to let through")
	if loop.Held() == nil {
		t.Fatal("the plan was let through by somebody who may not")
	}

	f.as("ada").post("/holds/sha256:0000/approve", nil).says(http.StatusNotFound, "This plan does not wait any more")
	ada := f.as("ada")
	ada.post(approve, nil).leads("/holds")
	ada.get("/holds").says(http.StatusOK, "Approved: the plan is being carried out.")
	f.until(func() bool { return loop.Held() == nil })
	ada.get("/holds").says(http.StatusOK, "No plan waits for a person.", "let through by ada")
	ada.get(path).says(http.StatusNotFound, "This plan does not wait any more")
	ada.post(approve, nil).says(http.StatusNotFound, "This plan does not wait any more")
	past, err := f.db.PastHolds(f.Context(), 1)
	f.must(err)
	if len(past) != 1 || past[0].ApprovedBy != "ada" || past[0].State != state.HoldApplied {
		t.Errorf("on record: %+v, want approved by ada and applied", past)
	}
	head, err := f.db.Head(f.Context())
	f.must(err)
	if !head.Applied.Approved {
		t.Errorf("the revision is not recorded as approved: %+v", head.Applied)
	}
}

// A plan about contracts of several managers is let through by each for theirs, and
// its page says who has approved and who is asked.
func TestHeldPlanAcrossContracts(t *testing.T) {
	f := crowded(t, true)
	loop := f.watch()
	id := loop.Held().Plan.ID
	path, approve := "/holds/"+id, "/holds/"+id+"/approve"

	ada := f.as("ada")
	page := ada.get(path)
	page.says(http.StatusOK, "design: you are asked", "plant: olu is asked", "If what concerns design is right", "Approve your part", "Not shown:")
	f.as("thora").get(path).says(http.StatusOK, "design: ada is asked", "plant: olu is asked")
	f.as("thora").post(approve, nil).says(http.StatusForbidden)

	ada.post(approve, nil).leads("/holds")
	ada.get("/holds").says(http.StatusOK, "Approved for your part.", "Read it")
	page = ada.get(path)
	page.says(http.StatusOK, "held", "design: approved by ada on ", "plant: olu is asked", "You have approved your part.")
	page.lacks("Approve this plan", "Approve your part")
	ada.post(approve, nil).leads("/holds") // once more changes nothing
	if held := loop.Held(); held == nil || held.Plan.ID != id {
		t.Fatal("half of the managers let the plan through")
	}

	olu := f.as("olu")
	page = olu.get(path)
	page.says(http.StatusOK, "design: approved by ada on ", "plant: you are asked", "Approve this plan")
	page.lacks("d3@", "Approve your part")
	olu.post(approve, nil).leads("/holds")
	olu.get("/holds").says(http.StatusOK, "Approved: the plan is being carried out.")
	f.until(func() bool { return loop.Held() == nil })
	olu.get("/holds").says(http.StatusOK, "let through by ada, olu")
}

// Both at once let it through together, and each is told so.
func TestHeldPlanIsApprovedByBothAtOnce(t *testing.T) {
	f := crowded(t, true)
	loop := f.watch()
	approve := "/holds/" + loop.Held().Plan.ID + "/approve"
	var both sync.WaitGroup
	for _, b := range []*browser{f.as("ada"), f.as("olu")} {
		both.Go(func() { b.post(approve, nil).leads("/holds") })
	}
	both.Wait()
	f.until(func() bool { return loop.Held() == nil })
	past, err := f.db.PastHolds(f.Context(), 1)
	f.must(err)
	if len(past) != 1 || past[0].ApprovedBy != "ada, olu" || past[0].State != state.HoldApplied {
		t.Errorf("on record: %+v, want approved by both and applied", past)
	}
}

// What was approved of one plan is nothing to the next: the manifests, or who manages
// what, have changed since.
func TestApprovalsOfAnotherPlan(t *testing.T) {
	tests := []struct {
		name      string
		meanwhile func(f *firm)
	}{
		{"another plan", func(f *firm) {
			f.write("nina.yaml", strings.TrimPrefix(firmPerson("nina", "  access: [pipes]\n"), "---\n"))
		}},
		{"another manager", func(f *firm) {
			f.write("firm.yaml", strings.Replace(firmManifests, "contractManager: olu", "contractManager: eve", 1))
		}}, // the handover is part of what is held: until then it is olu's
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := crowded(t, true)
			loop := f.watch()
			first := loop.Held().Plan.ID
			f.as("ada").post("/holds/"+first+"/approve", nil).leads("/holds")
			tt.meanwhile(f)
			_, err := f.db.Ask(f.Context(), reconciler.RequestReconcile, "", "tester")
			f.must(err)
			f.until(func() bool { held := loop.Held(); return held != nil && held.Plan.ID != first })
			f.as("olu").post("/holds/"+first+"/approve", nil).says(http.StatusNotFound, "This plan does not wait any more")
			second := loop.Held().Plan.ID
			f.until(func() bool {
				hold, err := f.db.HoldOf(f.Context(), second)
				return err == nil && hold.State == state.HoldHeld
			})
			f.as("olu").post("/holds/"+second+"/approve", nil).leads("/holds")
			f.as("ada").get("/holds/"+second).says(http.StatusOK, "design: you are asked", "plant: approved by olu")
		})
	}
}

// What was refused for want of authority is not let through by anybody.
func TestRefusedPlanIsNotApproved(t *testing.T) {
	f := crowded(t, false)
	f.control.Limits = reconciler.Limits{}
	_, err := f.control.Apply(f.Context(), f.owner, "")
	var held *reconciler.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("apply: %v, want it held", err)
	}
	truth, err := f.db.Truth(f.Context())
	f.must(err)
	held.Plan.Held = append(held.Plan.Held, state.HeldRule{Rule: "authority", Message: "commit c0ffee by mallory", Release: "revert the commit"})
	plan := reconciler.NewHeldPlan(truth, held.Plan)
	f.furnish(Options{Held: func() *reconciler.HeldPlan { return plan }})
	ada := f.as("ada")
	page := ada.get("/holds/" + held.Plan.ID)
	page.says(http.StatusOK, "commit c0ffee by mallory", "Nobody can let it through as it is", "revert the commit")
	page.lacks("Approve this plan")
	ada.post("/holds/"+held.Plan.ID+"/approve", nil).says(http.StatusConflict, "This plan cannot be let through as it is")
}

func TestNoPlanIsHeld(t *testing.T) {
	f := newFirm(t)
	f.as("ada").get("/holds").says(http.StatusOK, "No plan waits for a person.")
	f.as("ada").get("/holds/sha256:1").says(http.StatusNotFound)
}

// A controller that is busy answers later; what it cannot do, it says why.
func TestAskingTheController(t *testing.T) {
	f := newFirm(t)
	f.site.patience = 500 * time.Millisecond
	asking := httptest.NewRequest(http.MethodPost, "/", nil)
	asking = asking.WithContext(context.WithValue(f.Context(), viewerKey{}, viewer{kind: member, account: f.account("ada")}))
	answer := func(result string) chan struct{} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.until(func() bool {
				open, err := f.db.Requests(context.Background(), true)
				if err != nil || len(open) == 0 {
					return false
				}
				return open[0].By == "ada" && f.owner.Answer(context.Background(), open[0].ID, result) == nil
			})
		}()
		return done
	}
	asked := answer("")
	if done, err := f.site.ask(asking, reconciler.RequestReconcile, ""); !done || err != nil {
		t.Errorf("done: %v, %v; want it done", done, err)
	}
	<-asked
	asked = answer("the disk is full")
	var why refusal
	if _, err := f.site.ask(asking, reconciler.RequestReconcile, ""); !errors.As(err, &why) || why.Advice != "the disk is full" {
		t.Errorf("refused: %v; want the controller's reason", err)
	}
	<-asked
	if done, err := f.site.ask(asking, reconciler.RequestReconcile, ""); done || err != nil {
		t.Errorf("nobody answers: %v, %v; want neither", done, err)
	}
}
