package state_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"usher/state"
)

func TestAtRest(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		name   string
		change func(h *house)
		want   bool
	}{
		{"nothing", func(*house) {}, true},
		{"a message waits", func(h *house) { h.queue("ada") }, false},
		{"a message is on its way", func(h *house) { h.queue("ada"); h.due() }, false},
		{"a message was given up", func(h *house) {
			h.queue("ada")
			h.due()
			must(h.t, h.owner.Failed(ctx, 1, "550"))
		}, false},
		{"a message was sent", func(h *house) {
			h.queue("ada")
			h.due()
			must(h.t, h.owner.Sent(ctx, 1))
		}, true},
		{"somebody asked for something", func(h *house) {
			h.tamper("INSERT INTO request (kind, argument, actor, at, done, result) VALUES ('resume', '', 'root', 1, 0, '')")
		}, false},
		{"a plan is held", func(h *house) {
			must(h.t, h.owner.Hold(ctx, state.Hold{PlanID: "sha256:1", Rules: []state.HeldRule{{Rule: "removals"}}}))
		}, false},
		{"the head file knows more", func(h *house) {
			text, err := json.Marshal(map[string]any{"epoch": 1, "sequence": 1000, "hash": "00"})
			must(h.t, err)
			must(h.t, os.WriteFile(h.path+".head", text, 0o600))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.add("ada", true)
			test.change(h)
			got, err := h.open(state.Options{ReadOnly: true}).AtRest(ctx)
			if err != nil || got != test.want {
				t.Errorf("at rest: %v, %v; want %v", got, err, test.want)
			}
		})
	}
}
