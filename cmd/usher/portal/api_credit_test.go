package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

func TestTakeCredits(t *testing.T) {
	f := newFirm(t)
	today := spec.DayOf(f.now())
	p := f.program(state.ScopeWriteCredits, state.ScopeReadCredits)
	items := func(lines ...string) []byte { return []byte(`{"items":[` + strings.Join(lines, ",") + `]}`) }
	item := func(user string, credits int) string {
		return fmt.Sprintf(`{"contract":"design","user":%q,"day":%q,"credits":%d}`, user, today-1, credits)
	}
	csv := fmt.Sprintf("contract,user,day,credits\ndesign,ida,%s,5\n", today-1)
	for _, step := range []struct {
		kind string
		body []byte
		want imported
	}{
		{"application/json", items(item("eve", 7), item("ada@acme.example", 3)), imported{1, 2, 2, 0, 0}},
		{"application/json; charset=utf-8", items(item("eve", 7), item("ada@acme.example", 3)), imported{1, 2, 0, 0, 2}},
		{"application/json", items(item("eve", 9)), imported{1, 1, 0, 1, 0}},
		{"text/csv", []byte(csv), imported{1, 1, 1, 0, 0}},
		{"application/json", items(), imported{1, 0, 0, 0, 0}},
	} {
		got := into[imported](p.ask(http.MethodPost, "/api/v1/credits", step.body, "Content-Type", step.kind), http.StatusOK)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.body, diff)
		}
	}
	var list struct{ Items []map[string]any }
	list = into[struct{ Items []map[string]any }](p.get("/api/v1/credits"), http.StatusOK)
	if len(list.Items) != 1 || list.Items[0]["used"] != 17.0 || list.Items[0]["left"] != 983.0 {
		t.Errorf("by contract: %v", list.Items)
	}
	list = into[struct{ Items []map[string]any }](p.get("/api/v1/credits?by=user&contract=design"), http.StatusOK)
	if len(list.Items) != 3 {
		t.Errorf("by user: %v", list.Items)
	}
	list = into[struct{ Items []map[string]any }](p.get("/api/v1/credits?by=month"), http.StatusOK)
	if len(list.Items) != 1 || list.Items[0]["total"] != 17.0 {
		t.Errorf("by month: %v", list.Items)
	}
	list = into[struct{ Items []map[string]any }](p.get("/api/v1/credits?contract=plant"), http.StatusOK)
	if len(list.Items) != 0 {
		t.Errorf("of plant: %v", list.Items)
	}
}

// TestWrongCredits: all that is wrong is said, with the line as it was sent, and
// nothing is recorded.
func TestWrongCredits(t *testing.T) {
	f := newFirm(t)
	p := f.program(state.ScopeWriteCredits, state.ScopeReadCredits)
	const good = `{"contract":"design","user":"eve","day":"2026-01-02","credits":1}`
	tests := []struct {
		name, kind, body string
		status           int
		lines            []int // of the errors
	}{
		{"lines of JSON", "application/json", `{"items":[` + good + `,{"contract":"desing","user":"evee","day":"2026-01-02","credits":1}]}`, 422, []int{2, 2}},
		{"a day and an amount", "application/json", `{"items":[{"contract":"design","user":"eve","day":"soon","credits":1.5},` + good + `]}`, 422, []int{1, 1}},
		{"twice", "application/json", `{"items":[` + good + `,` + good + `]}`, 422, []int{2}},
		{"a line break", "application/json", `{"items":[` + good + `,{"contract":"design\n","user":"eve","day":"2026-01-02","credits":1}]}`, 422, []int{2}},
		{"an empty item", "application/json", `{"items":[` + good + `,{}]}`, 422, []int{2}},
		{"lines of CSV", "text/csv", "contract,user,day,credits\ndesign,eve,2026-01-02,1\ndesign,eve,yesterday,1\n", 422, []int{3}},
		{"another column", "text/csv", "contract,user,day,amount\n", 422, []int{1, 1}},
		{"an unknown field", "application/json", `{"items":[{"contract":"design","user":"eve","day":"2026-01-02","amount":1}]}`, 400, nil},
		{"no JSON", "application/json", `items`, 400, nil},
		{"more after it", "application/json", `{"items":[]} {}`, 400, nil},
		{"another kind", "application/xml", `<x/>`, 415, nil},
		{"no kind", "", good, 415, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := p.ask(http.MethodPost, "/api/v1/credits", []byte(tt.body), "Content-Type", tt.kind)
			r.complains(tt.status)
			var got []int
			for _, e := range into[problem](r, tt.status).Errors {
				got = append(got, e.Line)
			}
			if diff := cmp.Diff(tt.lines, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s\n%s", diff, r.body)
			}
		})
	}
	p.ask(http.MethodPost, "/api/v1/credits", []byte("x"), "Content-Type", "text/csv", "Content-Encoding", "gzip").complains(http.StatusUnsupportedMediaType)
	large, err := json.Marshal(map[string]any{"items": []string{strings.Repeat("x", maxUsageBody)}})
	f.must(err)
	for _, kind := range []string{"application/json", "text/csv"} {
		p.ask(http.MethodPost, "/api/v1/credits", large, "Content-Type", kind).complains(http.StatusRequestEntityTooLarge)
	}
	list := into[struct{ Items []struct{ Used int } }](p.get("/api/v1/credits"), http.StatusOK)
	if len(list.Items) != 1 || list.Items[0].Used != 0 {
		t.Errorf("something of it was recorded: %+v", list.Items)
	}
}
