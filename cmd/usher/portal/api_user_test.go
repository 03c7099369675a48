package portal

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/state"
)

func TestListUsers(t *testing.T) {
	f := newFirm(t)
	f.write("new.yaml", firmPerson("bo", ""))
	f.apply()
	p := f.program(state.ScopeReadUsers)
	tests := []struct{ query, want string }{
		{"", "ada bo eve grace ida olu sam thora"},
		{"?q=testev", "eve"},
		{"?q=EVE+test", "eve"},
		{"?status=invited", "bo"},
		{"?status=suspended", "sam"},
		{"?product=cad", "eve ida sam"},
		{"?product=cad&contract=plant", ""},
		{"?q=zzz", ""},
	}
	for _, tt := range tests {
		got := into[itemNames](p.get("/api/v1/users"+tt.query), http.StatusOK)
		if got.String() != tt.want || got.Revision != 2 || got.Next != "" {
			t.Errorf("%s: got %q of revision %d, next %q; want %q of 2", tt.query, got, got.Revision, got.Next, tt.want)
		}
	}
}

// TestUsersComeInPages, each person once, whatever the size of a page.
func TestUsersComeInPages(t *testing.T) {
	p := newFirm(t).program(state.ScopeReadUsers)
	for _, limit := range []int{1, 3, 200} {
		var all []string
		cursor := ""
		for range 10 {
			page := into[itemNames](p.get(fmt.Sprintf("/api/v1/users?limit=%d&cursor=%s", limit, cursor)), http.StatusOK)
			if len(page.Items) > limit {
				t.Errorf("a page of %d holds %d", limit, len(page.Items))
			}
			if s := page.String(); s != "" {
				all = append(all, s)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff("ada eve grace ida olu sam thora", strings.Join(all, " ")); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestOneUser(t *testing.T) {
	p := newFirm(t).program(state.ScopeReadUsers)
	type users struct {
		Items []struct {
			Name, Email, FirstName, LastName, Status string
			Roles                                    []struct{ Contract, Role string }
			Access                                   []struct{ Contract, Product, Until string }
		}
	}
	for _, who := range []string{"grace", "Grace@ACME.example"} {
		got := into[users](p.get("/api/v1/users/"+who), http.StatusOK)
		var want users
		want.Items = append(want.Items, struct {
			Name, Email, FirstName, LastName, Status string
			Roles                                    []struct{ Contract, Role string }
			Access                                   []struct{ Contract, Product, Until string }
		}{
			"grace", "grace@acme.example", "Grace", "Testgrace", "active",
			[]struct{ Contract, Role string }{{"design", "softwareCoordinator"}}, []struct{ Contract, Product, Until string }{},
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", who, diff)
		}
	}
}

func TestListSeats(t *testing.T) {
	f := newFirm(t)
	f.write("new.yaml", firmPerson("bo", "  access: [cad, pipes]\n"))
	f.apply()
	p := f.program(state.ScopeReadSeats)
	type seats struct {
		Items []struct {
			Contract, Product string
			Seats, Free       *int
			Used, Pending     int
		}
	}
	got := into[seats](p.get("/api/v1/seats"), http.StatusOK)
	if len(got.Items) != 2 {
		t.Fatalf("got %+v, want two", got.Items)
	}
	cad, pipes := got.Items[0], got.Items[1]
	// eve, ida and bo, who is invited; sam is suspended.
	if cad.Product != "cad" || *cad.Seats != 10 || cad.Used != 3 || cad.Pending != 1 || *cad.Free != 7 {
		t.Errorf("cad: %+v, want 3 of 10 used, one pending, 7 free", cad)
	}
	if pipes.Seats != nil || pipes.Free != nil || pipes.Used != 1 {
		t.Errorf("pipes: %+v, want one used of no number", pipes)
	}
	if got := into[seats](p.get("/api/v1/seats?contract=plant"), http.StatusOK); len(got.Items) != 1 {
		t.Errorf("of plant alone: %+v", got.Items)
	}
}

func TestListRevisions(t *testing.T) {
	f := newFirm(t)
	for i := range 4 {
		f.write("new.yaml", firmPerson("bo", fmt.Sprintf("  invitation: {generation: %d}\n", i+1)))
		f.apply()
	}
	p := f.program(state.ScopeReadRevisions)
	type revisions struct {
		Items []struct {
			Number   int
			Cause    string
			Messages int
		}
		Next string
	}
	var all []int
	cursor := ""
	for {
		page := into[revisions](p.get("/api/v1/revisions?limit=2&cursor="+cursor), http.StatusOK)
		for _, i := range page.Items {
			all = append(all, i.Number)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]int{5, 4, 3, 2, 1}, all); diff != "" {
		t.Errorf("revisions (-want +got):\n%s", diff)
	}
	one := into[revisions](p.get("/api/v1/revisions/1"), http.StatusOK)
	if len(one.Items) != 1 || one.Items[0].Cause != "adopt" || one.Items[0].Number != 1 {
		t.Errorf("revision 1: %+v", one.Items)
	}
}
