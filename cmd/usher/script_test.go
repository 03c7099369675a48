package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what scripts compare with what they got")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"usher": main})
}

// TestScripts runs what a user types. Each script of testdata/script is a
// feature; next to the usual commands there are
//
//	exits CODE PROGRAM ARGS…   the program ends with exactly this code
//	examples                   copies examples/ here
//	smtpd DIR [CODE]           a mail server at $SMTP that writes what it gets
//	                           into DIR, or answers every recipient with CODE
//	id VAR FILE                the first plan id of a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":    exitsWith,
			"examples": copyExamples,
			"smtpd":    smtpd,
			"id":       planIDOf,
		},
		Setup:               quiet,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
	})
}

// quiet keeps the settings of whoever runs the tests out of the scripts.
func quiet(e *testscript.Env) error {
	e.Vars = slices.DeleteFunc(e.Vars, func(v string) bool { return strings.HasPrefix(v, "USHER_") })
	top, err := filepath.Abs(filepath.Join("..", ".."))
	e.Setenv("TOP", top)
	return err
}

func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var ended *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}

func copyExamples(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(os.CopyFS(ts.MkAbs("examples"), os.DirFS(filepath.Join(ts.Getenv("TOP"), "examples"))))
}

// planIDOf puts the first plan id of a file into a variable.
func planIDOf(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: id VAR FILE")
	}
	_, rest, found := strings.Cut(ts.ReadFile(args[1]), "sha256:")
	if !found || len(rest) < 64 {
		ts.Fatalf("%s holds no plan id", args[1])
	}
	ts.Setenv(args[0], "sha256:"+rest[:64])
}

// smtpd serves SMTP on loopback until the script ends.
func smtpd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: smtpd DIR [CODE]")
	}
	box := &mailbox{dir: ts.MkAbs(args[0])}
	ts.Check(os.MkdirAll(box.dir, 0o700))
	if len(args) > 1 {
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		box.refuse = &smtp.SMTPError{Code: code, Message: "not here"}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := smtp.NewServer(box)
	server.Domain, server.EnableSMTPUTF8 = "localhost", true
	go server.Serve(listener)
	ts.Defer(func() { server.Close() })
	ts.Setenv("SMTP", "smtp://"+listener.Addr().String())
}

// mailbox writes each message it is sent into a file: 1.eml, 2.eml, …
type mailbox struct {
	dir    string
	refuse error
	mu     sync.Mutex
	count  int
}

func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }

type session struct{ box *mailbox }

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(string, *smtp.RcptOptions) error { return s.box.refuse }
func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.count++
	return os.WriteFile(filepath.Join(s.box.dir, fmt.Sprintf("%d.eml", s.box.count)), data, 0o600)
}
