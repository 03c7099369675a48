package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"usher/state"
)

// place is a folder in which usher runs as a process of its own.
type place struct {
	*testing.T
	dir string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t, t.TempDir()}
	p.write("manifests/firm.yaml", contractManifest+productManifest)
	p.write("manifests/people.yaml", person("ada")+person("bo"))
	return p
}

const (
	contractManifest = "apiVersion: usher/v1\nkind: Contract\nmetadata: {name: design}\nspec:\n  contractManager: ada\n  products: [{name: cad}]\n---\n"
	productManifest  = "apiVersion: usher/v1\nkind: Product\nmetadata: {name: cad}\n---\n"
)

// person is the manifest of somebody with access.
func person(name string) string {
	return fmt.Sprintf("apiVersion: usher/v1\nkind: User\nmetadata: {name: %s}\nspec:\n  email: %s@acme.example\n  firstName: Ann\n  lastName: Lee\n  access: [cad]\n---\n", name, name)
}

func people(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(person(fmt.Sprintf("user%d", i)))
	}
	return b.String()
}

func (p *place) write(name, content string) {
	p.Helper()
	path := filepath.Join(p.dir, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644))
	if err != nil {
		p.Fatal(err)
	}
}

// process is usher at work.
type process struct {
	*exec.Cmd
	place *place
	out   shared // standard output and error
	ended chan error
}

// shared is a buffer that one writes and another reads.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start runs usher in the background. It is killed when the test ends.
func (p *place) start(args ...string) *process {
	p.Helper()
	c := &process{Cmd: exec.Command("usher", args...), place: p, ended: make(chan error, 1)}
	c.Dir, c.Stdout, c.Stderr = p.dir, &c.out, &c.out
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "USHER_") {
			c.Env = append(c.Env, v)
		}
	}
	if err := c.Start(); err != nil {
		p.Fatal(err)
	}
	go func() { c.ended <- c.Wait() }()
	p.Cleanup(func() { c.Process.Kill() })
	return c
}

// code waits for the process to end and returns its exit code.
func (c *process) code() int {
	c.place.Helper()
	select {
	case <-c.ended:
		return c.ProcessState.ExitCode()
	case <-time.After(30 * time.Second):
		c.place.Fatalf("usher goes on:\n%s", &c.out)
		return 0
	}
}

func (c *process) signal(s syscall.Signal) {
	c.place.Helper()
	if err := c.Process.Signal(s); err != nil {
		c.place.Fatalf("%v:\n%s", err, &c.out)
	}
}

// run runs usher to its end and returns what it said, and its exit code.
func (p *place) run(args ...string) (string, int) {
	p.Helper()
	c := p.start(args...)
	code := c.code()
	return c.out.String(), code
}

// until waits for what must come to pass, and returns how long it took.
func (p *place) until(what string, holds func() bool) time.Duration {
	p.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > 30*time.Second {
			p.Fatalf("%s: not so after half a minute", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// says waits for a line of the process.
func (c *process) says(pattern string) []string {
	c.place.Helper()
	wanted := regexp.MustCompile(pattern)
	var found []string
	c.place.until(pattern+" in\n"+c.out.String(), func() bool {
		found = wanted.FindStringSubmatch(c.out.String())
		return found != nil
	})
	return found
}

// state opens the database beside whoever works on it.
func (p *place) state() *state.DB {
	p.Helper()
	db, err := state.Open(context.Background(), filepath.Join(p.dir, "usher.db"), state.Options{ReadOnly: true})
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { db.Close() })
	return db
}

func (p *place) newest(db *state.DB) int64 {
	p.Helper()
	head, err := db.Head(context.Background())
	if err != nil {
		p.Fatal(err)
	}
	return head.Newest.Number
}

var givenPassword = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}\b`)

// discreet checks that a log names nobody's address and holds no secret.
func (p *place) discreet(log string) {
	p.Helper()
	if strings.Contains(log, "@") || givenPassword.MatchString(log) {
		p.Errorf("the log holds an address or a given password:\n%s", log)
	}
}

// A day in the life of the process: it applies, follows edits of the folder, keeps
// the last good state, mends within two seconds, and stops in good order when told.
func TestWatchAtWork(t *testing.T) {
	p := newPlace(t)
	c := p.start("watch", "manifests", "--listen", "127.0.0.1:0")
	address := c.says(`msg=listening address=(\S+)`)[1]
	c.says(`msg=revision number=1 `)
	db := p.state()
	p.until("ready", func() bool { return status(p, address, "/readyz") == http.StatusOK })

	p.write("manifests/cy.yaml", strings.Replace(person("cy"), "firstName: Ann", "firstName: Ann\n  surname: Lee", 1))
	p.until("not ready", func() bool { return status(p, address, "/readyz") == http.StatusServiceUnavailable })
	said, _ := p.run("status")
	if want := "cy.yaml:7:3"; !strings.Contains(said, want) {
		t.Errorf("status does not say where the error is, %s:\n%s", want, said)
	}
	p.write("manifests/cy.yaml", person("cy"))
	took := p.until("mended", func() bool { return p.newest(db) == 2 })
	t.Logf("applied %v after it was mended", took)
	if took > 2*time.Second {
		t.Errorf("applied %v after it was mended, want within 2 s", took)
	}
	p.until("delivered", func() bool { return p.letters()["cy"] == 1 })
	if got := status(p, address, "/livez"); got != http.StatusOK {
		t.Errorf("/livez: got %d", got)
	}

	said, code := p.run("apply", "manifests")
	if want := fmt.Sprintf("usher watch, pid %d on ", c.Process.Pid); code != exitBusy || !strings.Contains(said, want) {
		t.Errorf("apply beside it: exit %d, want %d, and in it %q:\n%s", code, exitBusy, want, said)
	}
	c.signal(syscall.SIGTERM)
	if got := c.code(); got != exitDone {
		t.Errorf("exit code after SIGTERM: got %d, want 0", got)
	}
	if said, code := p.run("apply", "manifests"); code != exitDone {
		t.Errorf("apply afterwards: exit %d:\n%s", code, said)
	}
	p.discreet(c.out.String())
}

// status is what a page answers with; 0 where nobody does.
func status(p *place, address, page string) int {
	response, err := http.Get("http://" + address + page)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// letters counts the messages in the outbox folder by the person they went to.
func (p *place) letters() map[string]int {
	p.Helper()
	names, err := filepath.Glob(filepath.Join(p.dir, "outbox", "*.eml"))
	if err != nil {
		p.Fatal(err)
	}
	count := map[string]int{}
	for _, name := range names {
		_, to, _ := strings.Cut(strings.TrimSuffix(filepath.Base(name), "@acme.example.eml"), "-")
		_, to, _ = strings.Cut(to, "-")
		count[to]++
	}
	return count
}

// With nothing that tells of changes, SIGHUP makes it look at once, and requests
// are performed within a second.
func TestSignalsAndRequests(t *testing.T) {
	p := newPlace(t)
	c := p.start("watch", "manifests", "--listen", "", "--notify=false", "--resync", "1h")
	c.says(`msg=revision number=1 `)
	db := p.state()
	p.write("manifests/cy.yaml", person("cy"))
	time.Sleep(time.Second)
	if got := p.newest(db); got != 1 {
		t.Fatalf("revision before the signal: got %d, want 1", got)
	}
	c.signal(syscall.SIGHUP)
	p.until("looked after SIGHUP", func() bool { return p.newest(db) == 2 })

	p.write("manifests/di.yaml", person("di"))
	if said, code := p.run("reconcile"); code != exitDone {
		t.Errorf("reconcile: exit %d:\n%s", code, said)
	}
	p.until("looked after usher reconcile", func() bool { return p.newest(db) == 3 })
	c.signal(syscall.SIGINT)
	if got := c.code(); got != exitDone {
		t.Errorf("exit code after SIGINT: got %d, want 0", got)
	}
}

// slowServer is a mail server that takes its time to answer a message.
type slowServer struct {
	mailbox
	begun chan struct{}
	delay time.Duration
}

func (s *slowServer) NewSession(*smtp.Conn) (smtp.Session, error) { return &slowSession{s: s}, nil }

type slowSession struct{ s *slowServer }

func (s *slowSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *slowSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *slowSession) Reset()                               {}
func (s *slowSession) Logout() error                        { return nil }

func (s *slowSession) Data(r io.Reader) error {
	if _, err := io.ReadAll(r); err != nil {
		return err
	}
	select {
	case s.s.begun <- struct{}{}:
	default:
	}
	time.Sleep(s.s.delay)
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	s.s.count++
	return nil
}

// Told to stop in the middle of a message, it waits for the server's word on it:
// the message is sent once, and on record as sent.
func TestStoppingFinishesTheMessage(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := &slowServer{begun: make(chan struct{}, 1), delay: 700 * time.Millisecond}
	server := smtp.NewServer(box)
	server.Domain = "localhost"
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })

	p := newPlace(t)
	c := p.start("watch", "manifests", "--listen", "", "--mail-connections", "1", "--from", "usher@acme.example", "--mail", "smtp://"+listener.Addr().String())
	select {
	case <-box.begun:
	case <-time.After(30 * time.Second):
		t.Fatalf("no message came:\n%s", &c.out)
	}
	c.signal(syscall.SIGTERM)
	if got := c.code(); got != exitDone {
		t.Fatalf("exit code: got %d, want 0:\n%s", got, &c.out)
	}
	sent, err := p.state().Messages(t.Context(), state.MessageQuery{State: state.MessageSent})
	if err != nil {
		t.Fatal(err)
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	if len(sent) != 1 || box.count != 1 {
		t.Errorf("on record as sent: %d, taken by the server: %d; want 1 and 1", len(sent), box.count)
	}
}

// A mail server that takes the connection and says nothing keeps no change from
// being applied.
func TestStuckMailBlocksNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // nobody ever accepts
	p := newPlace(t)
	c := p.start("watch", "manifests", "--listen", "", "--from", "usher@acme.example", "--mail", "smtp://"+listener.Addr().String())
	c.says(`msg=revision number=1 `)
	db := p.state()
	for i := range int64(3) {
		p.write(fmt.Sprintf("manifests/cy%d.yaml", i), person(fmt.Sprintf("cy%d", i)))
		if took := p.until("applied", func() bool { return p.newest(db) == i+2 }); took > 5*time.Second {
			t.Errorf("applied after %v, want within 5 s", took)
		}
	}
	counts, err := db.Outbox(t.Context())
	if err != nil || counts.Queued+counts.Sending != 5 {
		t.Errorf("messages that wait: got %+v %v, want 5", counts, err)
	}
}
