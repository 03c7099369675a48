package render

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// pools is a truth with contracts of every sort.
func pools() *state.Truth {
	today := spec.DayOf(noon)
	pool := func(name string, n int64, last spec.Day) spec.Contract {
		return spec.Contract{Name: name, Credits: &spec.Credits{Pool: n, Expires: last}}
	}
	return &state.Truth{
		Roster: &spec.Roster{Contracts: []spec.Contract{
			pool("design", 1000, today), pool("fresh", 50, spec.Forever), {Name: "idle"}, {Name: "none"},
			pool("old", 10, today-1), pool("over", 100, today-1),
		}},
		Accounts: map[string]state.Account{"ada": {ID: "u1", Name: "ada", Email: "ada@acme.example"}},
	}
}

func TestCreditsLists(t *testing.T) {
	removed := []state.Account{{ID: "u2", Name: "bo", Email: "bo@acme.example"}}
	tests := []struct {
		name string
		list List
		want string
	}{
		{"by contract", Credits(pools(), []state.CreditTotal{
			{Contract: "design", Used: 1}, {Contract: "ended", Used: 7}, {Contract: "none", Used: 2}, {Contract: "over", Used: 101}, {Contract: "zoo", Used: 3},
		}, spec.DayOf(noon)), "contract,pool,used,left,expires\ndesign,1000,1,999,2026-11-22\nended,,7,,\nfresh,50,0,50,\n" +
			"none,,2,,\nold,10,0,expired,2026-11-21\nover,100,101,1 over,2026-11-21\nzoo,,3,,\n"},
		{"by user", CreditsByUser(pools(), removed, []state.CreditTotal{
			{Contract: "design", Account: "u1", Used: 5}, {Contract: "design", Account: "u2", Used: 6}, {Contract: "over", Account: "u9", Used: 7},
		}), "contract,user,email,used\ndesign,ada,ada@acme.example,5\ndesign,bo,bo@acme.example,6\nover,,,7\n"},
		{"by month", CreditsByMonth(pools(), []state.CreditTotal{
			{Contract: "design", Month: "2026-10", Used: 400}, {Contract: "design", Month: "2026-11", Used: 500},
			{Contract: "ended", Month: "2026-10", Used: 3},
			{Contract: "over", Month: "2026-10", Used: 90}, {Contract: "over", Month: "2026-11", Used: 30},
		}), "contract,month,used,total,left\ndesign,2026-10,400,400,600\ndesign,2026-11,500,900,100\nended,2026-10,3,3,\nover,2026-10,90,90,10\nover,2026-11,30,120,20 over\n"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, written(t, test.list, CSV)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// compact takes the white space out of JSON.
func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCreditsAsJSON(t *testing.T) {
	truth := pools()
	truth.Roster.Contracts = truth.Roster.Contracts[5:]
	totals := []state.CreditTotal{{Contract: "over", Account: "u1", Month: "2026-11", Used: 101}, {Contract: "zoo", Account: "u9", Month: "2026-11", Used: 3}}
	for _, test := range []struct {
		list List
		want string
	}{
		{Credits(truth, totals, spec.DayOf(noon)), `[{"contract":"over","pool":100,"used":101,"left":-1,"expires":"2026-11-21","expired":true},` +
			`{"contract":"zoo","pool":null,"used":3,"left":null,"expires":"","expired":false}]`},
		{CreditsByUser(truth, nil, totals[:1]), `[{"contract":"over","user":"ada","email":"ada@acme.example","id":"u1","used":101}]`},
		{CreditsByMonth(truth, totals), `[{"contract":"over","month":"2026-11","used":101,"total":101,"left":-1},` +
			`{"contract":"zoo","month":"2026-11","used":3,"total":3,"left":null}]`},
		{Credits(&state.Truth{Roster: &spec.Roster{}}, nil, 0), `[]`},
	} {
		if diff := cmp.Diff(`{"format":1,"items":`+test.want+`}`, compact(t, written(t, test.list, JSON))); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
	}
}
