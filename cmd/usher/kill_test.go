package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"usher/state"
)

// whole checks what a killed process left behind: the audit and the tables agree,
// and every revision has the people and the messages it says it has.
func (p *place) whole(peopleAt map[string]int) (newest int64) {
	p.Helper()
	db, err := state.Open(context.Background(), filepath.Join(p.dir, "usher.db"), state.Options{ReadOnly: true})
	if err != nil {
		p.Fatal(err)
	}
	defer db.Close()
	if err := db.Verify(context.Background()); err != nil {
		p.Fatalf("after the kill: %v", err)
	}
	truth, err := db.Truth(context.Background())
	if err != nil {
		p.Fatal(err)
	}
	if want, known := peopleAt[truth.Applied.Digest]; known && len(truth.Roster.Users) != want {
		p.Errorf("people at revision %d: got %d, want %d: it is not whole", truth.Applied.Number, len(truth.Roster.Users), want)
	}
	messages, err := db.Messages(context.Background(), state.MessageQuery{Revision: truth.Newest.Number})
	if err != nil {
		p.Fatal(err)
	}
	if got, want := len(messages), truth.Newest.Messages; got != want {
		p.Errorf("messages of revision %d: got %d, want %d", truth.Newest.Number, got, want)
	}
	return truth.Newest.Number
}

// arrived checks that every message on record as sent is in the folder, whole, and
// that no Message-ID stands for two different texts.
func (p *place) arrived(db *state.DB) {
	p.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "outbox", "*.eml"))
	if err != nil {
		p.Fatal(err)
	}
	byID := map[string][]byte{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			p.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			p.Errorf("%s is no message: %v", name, err)
			continue
		}
		id := strings.Trim(m.Header.Get("Message-ID"), "<>")
		if before, ok := byID[id]; ok && !bytes.Equal(before, data) {
			p.Errorf("two texts with the Message-ID %s", id)
		}
		byID[id] = data
	}
	list, err := db.Messages(context.Background(), state.MessageQuery{})
	if err != nil {
		p.Fatal(err)
	}
	for _, m := range list {
		switch {
		case m.State == state.MessageSent && byID[m.MessageID] == nil:
			p.Errorf("message %d to %s is on record as sent, and is not in the folder", m.ID, m.To)
		case m.State == state.MessageQueued || m.State == state.MessageSending:
			p.Errorf("message %d to %s still waits", m.ID, m.To)
		}
	}
}

// kills is how often processes are killed: a number that keeps the tests short, or
// USHER_TEST_KILLS.
func kills(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("USHER_TEST_KILLS")); err == nil {
		return n
	}
	return otherwise
}

// kill -9 at any point of apply leaves the old revision or the new one, whole, with
// its messages, and no message is lost. It is 30 kills, or USHER_TEST_KILLS.
func TestKilledWhileApplying(t *testing.T) {
	p := newPlace(t)
	apply := []string{"apply", "manifests", "--settle", "0s", "--max-removals", "100%", "--max-mail", "1000"}
	peopleAt := map[string]int{}
	trees := []string{people(0, 200), people(0, 300)}
	var took time.Duration // of an apply that nobody kills
	for i, content := range trees {
		p.write("manifests/crowd.yaml", content)
		began := time.Now()
		if said, code := p.run(apply...); code != exitDone {
			t.Fatalf("apply: exit %d:\n%s", code, said)
		}
		took = time.Since(began)
		truth, err := p.state().Truth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		peopleAt[truth.Applied.Digest] = 2 + 200 + 100*i
	}
	newest, old, new := p.whole(peopleAt), 0, 0
	for i := range kills(30) {
		p.write("manifests/crowd.yaml", trees[i%2])
		c := p.start(apply...)
		time.Sleep(rand.N(2 * took))
		c.Process.Kill()
		c.code()
		if now := p.whole(peopleAt); now == newest {
			old++
		} else {
			new++
			newest = now
		}
	}
	t.Logf("killed %d times: the old revision %d times, the new one %d times", old+new, old, new)
	if old == 0 || new == 0 {
		t.Error("kills hit only one side of the transaction: this proves nothing")
	}
	for range 2 { // the second delivers what the first superseded
		if said, code := p.run(apply...); code != exitDone {
			t.Fatalf("apply afterwards: exit %d:\n%s", code, said)
		}
		p.run("mail", "send")
	}
	p.arrived(p.state())
}

// kill -9 of the daemon in a storm of edits, and again: started once more, it
// arrives at the last tree, with every message, and its lock is free each time.
func TestKilledWhileWatching(t *testing.T) {
	p := newPlace(t)
	var log strings.Builder
	for i := range kills(8) {
		p.write("manifests/crowd.yaml", people(0, 20+i%9))
		c := p.start("watch", "manifests", "--listen", "", "--settle", "50ms", "--max-removals", "100%")
		for n, end := 0, time.Now().Add(rand.N(1500*time.Millisecond)); time.Now().Before(end); n++ {
			p.write(fmt.Sprintf("manifests/more%d.yaml", n%5), person(fmt.Sprintf("more%d", n%5)))
			time.Sleep(30 * time.Millisecond)
		}
		c.signal(syscall.SIGKILL)
		c.code()
		log.WriteString(c.out.String())
		if _, err := os.Stat(filepath.Join(p.dir, "usher.db")); !errors.Is(err, os.ErrNotExist) {
			p.whole(nil)
		}
	}
	p.write("manifests/last.yaml", person("last"))
	c := p.start("watch", "manifests", "--listen", "", "--settle", "50ms", "--max-removals", "100%")
	c.says(`msg=revision `)
	db := p.state()
	p.until("delivered", func() bool {
		counts, err := db.Outbox(t.Context())
		return err == nil && counts.Queued+counts.Sending == 0 && p.letters()["last"] == 1
	})
	c.signal(syscall.SIGTERM)
	if got := c.code(); got != exitDone {
		t.Errorf("exit code: got %d, want 0", got)
	}
	p.whole(nil)
	p.arrived(db)
	p.discreet(log.String() + c.out.String())
}

// Of two applies at once the second ends with 5 and names the first.
func TestApplyBesideApply(t *testing.T) {
	p := newPlace(t)
	if said, code := p.run("apply", "manifests"); code != exitDone {
		t.Fatalf("apply: exit %d:\n%s", code, said)
	}
	p.write("manifests/cy.yaml", person("cy"))
	first := p.start("apply", "manifests", "--settle", "4s")
	p.until("the first has the lock", func() bool {
		text, err := os.ReadFile(filepath.Join(p.dir, "usher.db.lock"))
		return err == nil && strings.Contains(string(text), strconv.Itoa(first.Process.Pid))
	})
	said, code := p.run("apply", "manifests")
	if want := fmt.Sprintf("usher apply, pid %d on ", first.Process.Pid); code != exitBusy || !strings.Contains(said, want) {
		t.Errorf("the second: exit %d, want %d, and in it %q:\n%s", code, exitBusy, want, said)
	}
	if got := first.code(); got != exitDone {
		t.Errorf("the first: exit %d:\n%s", got, &first.out)
	}
}

// kill -9 at any point of apply, between its caches too, leaves none that the next
// program is misled by: it plans the same with them as without.
func TestKilledBetweenCaches(t *testing.T) {
	p := newPlace(t)
	apply := []string{"apply", "manifests", "--settle", "0s", "--max-removals", "100%", "--max-mail", "1000", "--mail", "none"}
	p.write("manifests/crowd.yaml", people(0, 200))
	began := time.Now()
	if said, code := p.run(apply...); code != exitDone {
		t.Fatalf("apply: exit %d:\n%s", code, said)
	}
	took := time.Since(began)
	for i := range kills(15) {
		p.write(fmt.Sprintf("manifests/more%d.yaml", i%5), person(fmt.Sprint("more", i)))
		c := p.start(apply...)
		time.Sleep(rand.N(2 * took))
		c.Process.Kill()
		c.code()
		with, _ := p.run("plan", "manifests", "-o", "json")
		without, _ := p.run("plan", "manifests", "-o", "json", "--no-cache")
		if with != without {
			t.Fatalf("after kill %d the plan with the caches is\n%s\nand without them\n%s", i, with, without)
		}
	}
}
