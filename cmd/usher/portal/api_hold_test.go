package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/state"
)

// withhold has a plan held that removes most people.
func (f *firm) withhold() *reconciler.Plan {
	f.Helper()
	f.write("people.yaml", firmPerson("ada", "")+firmPerson("grace", "")+firmPerson("olu", "")+firmPerson("thora", ""))
	f.write("more.yaml", firmPerson("bo", "")+firmPerson("cy", ""))
	f.control.Limits = reconciler.Limits{Removals: reconciler.Limit{Number: 1, Set: true}}
	_, err := f.control.Apply(f.Context(), f.owner, "")
	var held *reconciler.HeldError
	if !errors.As(err, &held) {
		f.Fatalf("apply: %v, want it held", err)
	}
	return held.Plan
}

// perform answers requests, as a loop does, until the test ends.
func (f *firm) perform() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if open, err := f.db.Requests(ctx, true); err == nil && len(open) > 0 {
				f.control.Apply(ctx, f.owner, "")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	f.Cleanup(func() { stop(); <-done })
}

type holds struct {
	Items []struct{ Plan, State, ApprovedBy string }
	Plan  *reconciler.Plan
}

func TestHolds(t *testing.T) {
	f := newFirm(t)
	p := f.program(state.ScopeReadHolds, state.ScopeApproveHolds)
	if got := into[holds](p.get("/api/v1/holds"), http.StatusOK); len(got.Items) != 0 {
		t.Errorf("holds before any: %+v", got.Items)
	}
	plan := f.withhold()
	if got := into[holds](p.get("/api/v1/holds"), http.StatusOK); len(got.Items) != 1 || got.Items[0].Plan != plan.ID || got.Items[0].State != "held" {
		t.Errorf("holds: %+v, want %s held", got.Items, plan.ID)
	}
	one := into[holds](p.get("/api/v1/holds/"+plan.ID), http.StatusOK)
	if one.Plan.ID != plan.ID || len(one.Plan.Changes) != len(plan.Changes) || one.Plan.People["eve"] != "Eve Testeve" {
		t.Errorf("the held plan: %d changes, people %v; want %d", len(one.Plan.Changes), one.Plan.People, len(plan.Changes))
	}
	f.perform()
	got := into[holds](p.ask(http.MethodPost, "/api/v1/holds/"+plan.ID+"/approval", nil), http.StatusOK)
	if len(got.Items) != 1 || !strings.HasPrefix(got.Items[0].ApprovedBy, "token t") {
		t.Errorf("approved: %+v, want by the token", got.Items)
	}
	f.until(func() bool {
		_, err := f.db.Account(t.Context(), "eve")
		return errors.Is(err, state.ErrNotFound)
	})
	p.ask(http.MethodPost, "/api/v1/holds/"+plan.ID+"/approval", nil).complains(http.StatusConflict, "urn:usher:problem:not-held", "the plan is applied")
	if got := into[holds](p.get("/api/v1/holds?all=true"), http.StatusOK); len(got.Items) != 1 || got.Items[0].State != "applied" {
		t.Errorf("holds of the past: %+v", got.Items)
	}
}

// until waits for something that is done beside the test.
func (f *firm) until(is func() bool) {
	f.Helper()
	for limit := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			f.Fatal("it has not happened after twenty seconds")
		}
	}
}

// TestApprovalThatNobodyPerformsYet is accepted, and stands as a request.
func TestApprovalThatNobodyPerformsYet(t *testing.T) {
	f := newFirm(t)
	f.site.patience = 20 * time.Millisecond
	plan := f.withhold()
	got := into[asked](f.program(state.ScopeApproveHolds).ask(http.MethodPost, "/api/v1/holds/"+plan.ID+"/approval", nil), http.StatusAccepted)
	request, err := f.db.Request(t.Context(), got.Request)
	f.must(err)
	if request.Kind != reconciler.RequestApprove || request.Argument != plan.ID || !strings.HasPrefix(request.By, "token t") {
		t.Errorf("the request: %+v", request)
	}
}

// TestApprovalReleasesNoAuthority (DOMAIN.md, "Authority").
func TestApprovalReleasesNoAuthority(t *testing.T) {
	f := newFirm(t)
	id := "sha256:" + strings.Repeat("a", 64)
	f.must(f.owner.Hold(t.Context(), state.Hold{PlanID: id, Plan: []byte("{}"), Rules: []state.HeldRule{{Rule: "authority", Message: "nobody signed it"}}}))
	p := f.program(state.ScopeApproveHolds)
	p.ask(http.MethodPost, "/api/v1/holds/"+id+"/approval", nil).complains(http.StatusConflict, "urn:usher:problem:not-approvable", "never authority")
	p.ask(http.MethodPost, "/api/v1/holds/sha256:00/approval", nil).complains(http.StatusNotFound)
	if open, err := f.db.Requests(t.Context(), true); err != nil || len(open) != 0 {
		t.Errorf("requests: %v, %v; want none", open, err)
	}
}
