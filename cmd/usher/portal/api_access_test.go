package portal

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// TestAskAccess: who may use what today, asked by name or e-mail.
func TestAskAccess(t *testing.T) {
	f := newFirm(t)
	today := spec.DayOf(f.now())
	f.write("more.yaml", firmPerson("new", "  access: [cad]\n")+
		firmPerson("soon", "  access: [{product: cad, from: "+(today+7).String()+"}]\n")+
		firmPerson("past", "  access: [{product: cad, from: "+(today-30).String()+", until: "+(today-3).String()+", reason: CAD-7}]\n")+
		firmPerson("temp", "  access: [{product: cad, until: "+(today+3).String()+"}, {product: cad, from: "+(today+9).String()+"}]\n"))
	f.control.Adopt = true
	f.apply()
	f.write("new.yaml", firmPerson("later", "  access: [cad]\n"))
	f.control.Adopt = false
	f.apply()
	p := f.program(state.ScopeReadAccess)
	tests := []struct {
		user, product, contract string
		allowed                 bool
		code, until             string
		grants                  int
	}{
		{"eve", "cad", "", true, "granted", "", 1},
		{"Eve@Acme.Example", "cad", "design", true, "granted", "", 1},
		{"eve", "cad", "plant", false, "unknown-product", "", 0},
		{"eve", "pipes", "", false, "not-granted", "", 0},
		{"eve", "cadd", "", false, "unknown-product", "", 0},
		{"nobody", "cad", "", false, "unknown-user", "", 0},
		{"sam", "cad", "", false, "suspended", "", 1},
		{"later", "cad", "", false, "not-activated", "", 1},
		{"soon", "cad", "", false, "not-yet", "", 1},
		{"past", "cad", "", false, "ended", "", 1},
		{"temp", "cad", "", true, "granted", (today + 3).String(), 2},
		{"ada", "cad", "", false, "not-granted", "", 0}, // a manager sees downloads, and uses no seat
	}
	for _, tt := range tests {
		t.Run(tt.user+" "+tt.product+" "+tt.contract, func(t *testing.T) {
			query := url.Values{"user": {tt.user}, "product": {tt.product}}
			if tt.contract != "" {
				query.Set("contract", tt.contract)
			}
			got := into[struct {
				Allowed              bool
				Code, Why, Until     string
				User, Email, Product string
				Grants               []struct{ Contract, From, Until, Reason string }
			}](p.get("/api/v1/access?"+query.Encode()), http.StatusOK)
			if got.Allowed != tt.allowed || got.Code != tt.code || got.Until != tt.until || len(got.Grants) != tt.grants || got.Why == "" || got.Product != tt.product {
				t.Errorf("got %+v, want allowed %v, %s, until %q, %d grants", got, tt.allowed, tt.code, tt.until, tt.grants)
			}
			if tt.user == "Eve@Acme.Example" && (got.User != "eve" || got.Email != "eve@acme.example") {
				t.Errorf("the person is %q, %q; want eve", got.User, got.Email)
			}
		})
	}
	f.pass(4 * 24 * time.Hour)
	p = f.program(state.ScopeReadAccess)
	if got := into[permissionCode](p.get("/api/v1/access?user=temp&product=cad"), http.StatusOK); got.Code != "not-yet" {
		t.Errorf("four days later: %s, want not-yet", got.Code)
	}
}

type permissionCode struct{ Code string }

// TestETag: what is known is not sent again, and changes when the answer does.
func TestETag(t *testing.T) {
	f := newFirm(t)
	p := f.program(state.ScopeReadAccess)
	const question = "/api/v1/access?user=eve&product=cad"
	first := p.get(question)
	tag := first.header.Get("ETag")
	again := p.get(question, "If-None-Match", `"x", W/`+tag)
	if again.status != http.StatusNotModified || again.body != "" || again.header.Get("ETag") != tag {
		t.Errorf("the same again: got %d with %q, want 304", again.status, again.body)
	}
	f.write("people.yaml", firmPeople()+firmPerson("bo", ""))
	f.apply()
	if got := p.get(question, "If-None-Match", tag); got.status != http.StatusOK || got.header.Get("ETag") == tag {
		t.Errorf("after a revision: got %d, want 200 with another tag", got.status)
	}
	if diff := cmp.Diff([]string{"private, no-cache", "Authorization"}, []string{first.header.Get("Cache-Control"), first.header.Get("Vary")}); diff != "" {
		t.Errorf("caching (-want +got):\n%s", diff)
	}
}
