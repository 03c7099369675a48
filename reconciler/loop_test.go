package reconciler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/state"
)

// What is told of is applied, once; what was applied is not applied again.
func TestLoopAppliesEachChangeOnce(t *testing.T) {
	w := watch(t, firm(), soon)
	for i := range 5 {
		name := fmt.Sprintf("cy%d", i)
		w.shelf.put(name+".yaml", user(name, "access: [cloud]"))
		w.until(name+" applied", func() bool { return w.applied() == int64(i)+2 })
	}
	for range 3 { // nothing new
		w.shelf.change(func() {})
		w.look(1)
	}
	revisions, err := w.db.Revisions(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(revisions), 6; got != want {
		t.Errorf("revisions: got %d, want %d", got, want)
	}
	if got, want := len(w.kinds()), 4+5; got != want {
		t.Errorf("messages: got %d, want %d: %q", got, want, w.kinds())
	}
	w.verify()
}

// Without anything that tells of changes they are found by looking.
func TestLoopFindsWhatNothingTellsOf(t *testing.T) {
	polling := prepare(t, firm(), soon, nil)
	polling.shelf.silent = "it is on a silent file system"
	off := prepare(t, firm(), soon, nil)
	off.loop.Changes, off.loop.Timing.Resync = nil, 50*time.Millisecond
	for _, w := range []*watched{polling, off} {
		w.begin()
		w.look(1)
		w.shelf.mu.Lock()
		w.shelf.tree["cy.yaml"] = user("cy")
		w.shelf.mu.Unlock()
		w.until("applied", func() bool { return w.applied() == 2 })
		if w.is(reconciler.Watching) || w.why(reconciler.Watching) == "" {
			t.Errorf("Watching: got true or no reason, want false and why: %q", w.why(reconciler.Watching))
		}
	}
}

// A broken file leaves what is applied as it is; the condition and one message to
// each steward say where; mended, it is applied within two seconds, with the
// timing of production.
func TestBrokenFileKeepsTheLastGoodState(t *testing.T) {
	w := watch(t, firm(), reconciler.Timing{})
	w.shelf.put("people.yaml", strings.ReplaceAll(firm()["people.yaml"], "lastName", "surname"))
	w.becomes(reconciler.Valid, false)
	w.look(1)
	if got, want := w.why(reconciler.Valid), "people.yaml:7:3: "; !strings.HasPrefix(got, want) {
		t.Errorf("why it is not valid: got %q, want it to begin with %q", got, want)
	}
	if w.is(reconciler.Ready) || w.applied() != 1 {
		t.Errorf("ready %v with revision %d applied, want false and 1", w.is(reconciler.Ready), w.applied())
	}
	w.shelf.put("people.yaml", firm()["people.yaml"]+user("cy"))
	took := w.until("mended", func() bool { return w.applied() == 2 && w.is(reconciler.Valid) })
	t.Logf("applied %v after it was mended", took)
	if took > 2*time.Second {
		t.Errorf("mended manifests were applied after %v, want within 2 s", took)
	}
	refused := slices.DeleteFunc(w.kinds(), func(k string) bool { return !strings.HasPrefix(k, "refused ") })
	if diff := cmp.Diff([]string{"refused ada@acme.example", "refused grace@acme.example"}, refused); diff != "" {
		t.Errorf("messages about it (-want +got):\n%s", diff)
	}
}

// What is invalid is tried once, however often it is looked at, and logged
// without quoting it.
func TestBadDigestIsTriedOnce(t *testing.T) {
	w := prepare(t, firm(), soon, nil)
	w.loop.Timing.Resync = 20 * time.Millisecond
	w.shelf.tree["people.yaml"] += user("ada", "email: private@acme.example")
	w.begin()
	w.look(6)
	w.end()
	if got := strings.Count(w.log.String(), "not applied"); got != 1 {
		t.Errorf("tries: got %d, want 1:\n%s", got, w.log)
	}
	if strings.Contains(w.log.String(), "@") || !strings.Contains(w.log.String(), "people.yaml:") {
		t.Errorf("the log quotes addresses, or does not say where:\n%s", w.log)
	}
}

// Manifests that cannot be read change nothing, and are applied once they can be.
func TestUnreadableManifests(t *testing.T) {
	w := watch(t, firm(), soon)
	w.shelf.change(func() { w.shelf.err = errors.New("the share is gone") })
	w.becomes(reconciler.SourceReady, false)
	if got, want := w.why(reconciler.SourceReady), "the share is gone"; got != want {
		t.Errorf("why: got %q, want %q", got, want)
	}
	w.until("not ready", func() bool { return !w.is(reconciler.Ready) })
	w.shelf.mu.Lock()
	w.shelf.err, w.shelf.tree["cy.yaml"] = nil, user("cy")
	w.shelf.mu.Unlock()
	w.until("applied", func() bool { return w.applied() == 2 && w.is(reconciler.Ready) })
	w.end()
	if !strings.Contains(w.log.String(), "the share is gone") {
		t.Errorf("the log does not say why:\n%s", w.log)
	}
}

// A database that takes nothing is a condition; when it does again, what waited is
// applied, and all is well even where nothing changed meanwhile.
func TestStateThatFails(t *testing.T) {
	const broken = "CREATE TRIGGER broken BEFORE INSERT ON %s BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
	t.Run("while applying", func(t *testing.T) {
		w := watch(t, firm(), soon)
		w.meddle(fmt.Sprintf(broken, "revision"))
		w.shelf.put("cy.yaml", user("cy"))
		w.becomes(reconciler.StateHealthy, false)
		w.until("not ready", func() bool { return !w.is(reconciler.Ready) })
		if got := w.why(reconciler.StateHealthy); !strings.Contains(got, "the disk is full") {
			t.Errorf("why: got %q, want the reason in it", got)
		}
		w.meddle("DROP TRIGGER broken")
		w.until("applied", func() bool { return w.applied() == 2 && w.is(reconciler.StateHealthy) && w.is(reconciler.Ready) })
		w.verify()
	})
	t.Run("while idle", func(t *testing.T) {
		w := prepare(t, firm(), soon, nil)
		w.loop.Timing.Resync = 20 * time.Millisecond
		w.begin()
		w.look(1)
		w.meddle(fmt.Sprintf(broken, "report"))
		w.becomes(reconciler.StateHealthy, false)
		w.meddle("DROP TRIGGER broken")
		w.becomes(reconciler.StateHealthy, true)
		w.becomes(reconciler.Ready, true)
	})
}

// A loop whose state another controller took over ends, also where it has nothing
// to write but its report.
func TestFencedLoopEnds(t *testing.T) {
	for _, edit := range []bool{true, false} {
		t.Run(fmt.Sprintf("with an edit %v", edit), func(t *testing.T) {
			w := prepare(t, firm(), soon, nil)
			w.loop.Timing.Resync = 50 * time.Millisecond
			w.begin()
			w.look(1)
			w.meddle("UPDATE owner SET epoch = epoch + 1")
			if edit {
				w.shelf.put("cy.yaml", user("cy"))
			}
			select {
			case err := <-w.ended:
				if !errors.Is(err, state.ErrFenced) {
					t.Errorf("ended with %v, want ErrFenced", err)
				}
				w.ended <- err
			case <-time.After(20 * time.Second):
				t.Fatal("the loop goes on")
			}
			if got, _ := w.db.Head(t.Context()); got.Newest.Number != 1 {
				t.Errorf("newest revision: got %d, want 1: a fenced loop wrote", got.Newest.Number)
			}
		})
	}
}

// busy composes while somebody's invitation is resent beside the loop, once.
type busy struct {
	plain
	beside func()
}

func (b *busy) Subject(n *reconciler.Notice) (string, error) {
	if beside := b.beside; beside != nil {
		b.beside = nil
		beside()
	}
	return b.plain.Subject(n)
}

// A revision that comes beside the loop, between its reading and its writing, makes it
// plan anew; it is not taken for another controller.
func TestRevisionsBesideTheLoop(t *testing.T) {
	w := prepare(t, firm(), soon, nil)
	beside := &busy{}
	w.loop.Controller.Compose = beside
	w.begin()
	w.look(1)
	other := *w.loop.Controller
	beside.beside = func() {
		other.Compose = plain{}
		if err := other.Resend(t.Context(), w.loop.Owner, "bo", "portal"); err != nil {
			t.Error(err)
		}
	}
	w.shelf.put("cy.yaml", user("cy"))
	w.until("applied", func() bool { return w.applied() == 3 })
	w.becomes(reconciler.Ready, true)
	w.verify()
}

// What operators ask for is performed within a second, with the timing of
// production, while edits come in all the time.
func TestRequestsWithinASecond(t *testing.T) {
	w := watch(t, firm(), reconciler.Timing{})
	quiet := make(chan struct{})
	defer close(quiet)
	go func() {
		for {
			select {
			case <-quiet:
				return
			case <-time.After(100 * time.Millisecond):
				w.shelf.change(func() {})
			}
		}
	}()
	for _, r := range []struct{ kind, argument, want string }{
		{reconciler.RequestReconcile, "", ""},
		{reconciler.RequestResend, "bo", ""},
		{reconciler.RequestResend, "nobody", "not found"},
		{reconciler.RequestRetry, "1,2", ""},
		{reconciler.RequestRetry, "one", `"one" is not the number of a message`},
		{reconciler.RequestApprove, "sha256:00", "not found"},
		{reconciler.RequestApprove, reconciler.ApproveClock, "only a watching controller doubts the clock, and none is"},
		{reconciler.RequestSuspend, "", ""},
		{reconciler.RequestResume, "", ""},
		{"dance", "", `this usher does not know requests of kind "dance"`},
	} {
		got, took := w.asks(r.kind, r.argument)
		if !strings.Contains(got, r.want) || r.want == "" && got != "" {
			t.Errorf("%s %s: got %q, want %q", r.kind, r.argument, got, r.want)
		}
		if took > time.Second {
			t.Errorf("%s %s: performed after %v, want within a second", r.kind, r.argument, took)
		}
	}
	if got, want := w.kinds(), "invitation bo@acme.example"; got[len(got)-1] != want {
		t.Errorf("messages: got %q, want the last to be %q", got, want)
	}
}

// Who suspends while a tree is still being written is heard before anything of it
// is applied.
func TestSuspendedBeforeATreeStandsStill(t *testing.T) {
	w := watch(t, firm(), soon)
	unrest := make(chan struct{})
	w.shelf.mu.Lock()
	w.shelf.unrest = unrest
	w.shelf.mu.Unlock()
	w.shelf.put("cy.yaml", user("cy"))
	w.until("the loop has read it", func() bool {
		w.shelf.mu.Lock()
		defer w.shelf.mu.Unlock()
		return len(w.shelf.reads) > 1
	})
	if answer, took := w.asks(reconciler.RequestSuspend, ""); answer != "" || took > time.Second {
		t.Errorf("suspend: answered %q after %v", answer, took)
	}
	close(unrest)
	w.becomes(reconciler.Suspended, true)
	w.look(1)
	if got := w.applied(); got != 1 {
		t.Fatalf("applied revision: got %d, want 1: it was suspended", got)
	}
	if got, want := w.why(reconciler.Suspended), "by grace"; !strings.Contains(got, want) {
		t.Errorf("why: got %q, want %q in it", got, want)
	}
	w.asks(reconciler.RequestResume, "")
	w.until("resumed", func() bool { return w.applied() == 2 && !w.is(reconciler.Suspended) })
}

// Suspended means that manifests are not even read; a restart changes nothing.
func TestSuspensionOutlivesTheController(t *testing.T) {
	w := watch(t, firm(), soon)
	w.asks(reconciler.RequestSuspend, "")
	w.becomes(reconciler.Suspended, true)
	w.end()
	w.shelf.tree["cy.yaml"] = user("cy")
	w.loop.Timing.Resync = 20 * time.Millisecond
	w.begin()
	w.look(4)
	if w.applied() != 1 || !w.is(reconciler.Suspended) {
		t.Errorf("applied %d, suspended %v; want 1 and true", w.applied(), w.is(reconciler.Suspended))
	}
}

// An approved plan is applied though no file changed since it was held.
func TestApprovalIsApplied(t *testing.T) {
	w := watch(t, firm(), soon)
	w.shelf.change(func() {
		for path := range w.shelf.tree {
			delete(w.shelf.tree, path)
		}
	})
	w.becomes(reconciler.Held, true)
	w.look(1)
	status := w.loop.Status()
	if status.HeldPlan == "" || w.is(reconciler.Ready) || w.applied() != 1 {
		t.Fatalf("held plan %q, ready %v, applied %d", status.HeldPlan, w.is(reconciler.Ready), w.applied())
	}
	if answer, took := w.asks(reconciler.RequestApprove, status.HeldPlan); answer != "" || took > time.Second {
		t.Errorf("approve: answered %q after %v", answer, took)
	}
	w.until("applied", func() bool { return w.applied() == 2 && !w.is(reconciler.Held) && w.is(reconciler.Ready) })
	if got := w.truth().Roster.Users; len(got) != 0 {
		t.Errorf("people: got %d, want 0", len(got))
	}
}

// A signal makes the loop look at once; what it was told to end it ends without
// an error.
func TestLoopLooksWhenTold(t *testing.T) {
	w := prepare(t, firm(), soon, nil)
	now := make(chan struct{})
	w.loop.Now, w.loop.Changes = now, nil
	w.begin()
	w.look(1)
	w.shelf.change(func() { w.shelf.tree["cy.yaml"] = user("cy") })
	now <- struct{}{}
	w.look(1)
	if got := w.applied(); got != 2 {
		t.Errorf("applied revision: got %d, want 2", got)
	}
	w.stop()
	if err := <-w.ended; err != nil {
		t.Errorf("ended with %v, want nil", err)
	}
	w.ended <- nil
	w.loop.Stop(context.Background())
	body, _, err := w.db.Report(t.Context())
	if err != nil || !strings.Contains(string(body), `"stopped":true`) {
		t.Errorf("last report: %v %s", err, body)
	}
}
