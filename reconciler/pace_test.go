package reconciler_test

import (
	"testing"

	"usher/reconciler"
)

// What is told of the progress goes from nothing to all of it, whatever changes.
func TestProgressEndsAtItsTotal(t *testing.T) {
	w := newWorld(t, city(60))
	var told [][2]int
	w.ctl.Progress = func(done, total int) { told = append(told, [2]int{done, total}) }
	for _, edit := range []func(){
		func() {},
		func() { w.tree["team1.yaml"] = user("p50", "access: [render]") + user("p51", "access: [render]") },
		func() { delete(w.tree, "team1.yaml") },
	} {
		edit()
		told = nil
		w.ctl.Limits.Removals = reconciler.Limit{Number: 100, Percent: true, Set: true}
		w.apply()
		if len(told) == 0 {
			t.Fatal("nothing was told")
		}
		for i, now := range told {
			before := [2]int{0, now[1]}
			if i > 0 {
				before = told[i-1]
			}
			if now[0] < before[0] || now[1] != before[1] {
				t.Fatalf("%v after %v", now, before)
			}
		}
		if last := told[len(told)-1]; last[0] != last[1] {
			t.Errorf("it ended at %d of %d", last[0], last[1])
		}
	}
}
