package mail_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/state"
	"usher/state/mail"
)

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "outbox")
	transport := open(t, "dir:"+dir)
	m := state.Message{ID: 123, Kind: "invitation", To: "ada@acme.example"}
	for _, body := range []string{"first\r\n", "again\r\n"} {
		if err := transport.Deliver(context.Background(), m, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "000123-invitation-ada@acme.example.eml")
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "again\r\n" {
		t.Errorf("%s has %q, %v", path, got, err)
	}
	if diff := cmp.Diff([]string{filepath.Base(path)}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, path: 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A file that others were allowed to read is private again after re-delivery.
func TestFolderRestoresTheMode(t *testing.T) {
	dir := t.TempDir()
	transport := open(t, "dir:"+dir)
	path := filepath.Join(dir, "000001-access-ada@acme.example.eml")
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := transport.Deliver(context.Background(), message, []byte(letter)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFileNamesStayInside(t *testing.T) {
	for _, test := range []struct{ kind, to, want string }{
		{"../../etc", "../../../root@x", "000007-.._.._etc-.._.._.._root@x.eml"},
		{"access", "a\\b:c*?\"<>|\x00\n@x", "000007-access-a_b_c________@x.eml"},
		{"access", "三浦@acme.example", "000007-access-__@acme.example.eml"},
		{"access", strings.Repeat("a", 500), "000007-access-" + strings.Repeat("a", 100) + ".eml"},
	} {
		dir := t.TempDir()
		m := state.Message{ID: 7, Kind: test.kind, To: test.to}
		if err := open(t, "dir:"+dir).Deliver(context.Background(), m, []byte(letter)); err != nil {
			t.Errorf("%q: %v", test.to, err)
		}
		if diff := cmp.Diff([]string{test.want}, names(t, dir)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.to, diff)
		}
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := open(t, "dir:"+file).Deliver(context.Background(), message, []byte(letter))
	if got := class(t, err); got != "again" {
		t.Errorf("%v: class %s, want again: a full or missing disk can be mended", err, got)
	}
}

func TestOpen(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	from := "usher@acme.example"
	for _, test := range []struct {
		settings mail.Settings
		want     string
	}{
		{mail.Settings{Where: "dir:"}, "the folder is missing"},
		{mail.Settings{Where: "outbox"}, `mail "outbox": expected dir:PATH`},
		{mail.Settings{Where: "http://user:hunter2@host"}, "expected dir:PATH"},
		{mail.Settings{Where: "smtp://"}, "expected a host"},
		{mail.Settings{Where: "smtp://host/path", From: from}, "expected a host and nothing after it"},
		{mail.Settings{Where: "smtp://host:0", From: from}, `"0" is not a port`},
		{mail.Settings{Where: "smtp://host:70000", From: from}, `"70000" is not a port`},
		{mail.Settings{Where: "smtp://host"}, "a sender is missing; give --from"},
		{mail.Settings{Where: "smtp://host", From: "nobody"}, `sender "nobody" is not an address`},
		{mail.Settings{Where: "smtp://user:hunter2@host", From: from}, "put it into a file and give --mail-password-file"},
		{mail.Settings{Where: "smtp://user:hunter2@host:port", From: from}, "not a URL"},
		{mail.Settings{Where: "smtp://user@host", From: from}, `a password for "user" is missing`},
		{mail.Settings{Where: "smtp://user@host", From: from, PasswordFile: "no/such"}, "reading the mail password"},
		{mail.Settings{Where: "smtp://user@host", From: from, PasswordFile: empty}, "the first line of"},
		{mail.Settings{Where: "smtp://host?tsl=none", From: from}, `unknown option "tsl"`},
		{mail.Settings{Where: "smtp://host?tls=yes", From: from}, "expected none, starttls or required"},
		{mail.Settings{Where: "smtps://host?tls=none", From: from}, "takes no tls option"},
		{mail.Settings{Where: "smtps://host?ca=no/such", From: from}, "reading the certificates to trust"},
		{mail.Settings{Where: "smtps://host?ca=" + empty, From: from}, "holds no PEM certificate"},
	} {
		_, err := mail.Open(test.settings)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Open(%q): %v, want it to say %q", test.settings.Where, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) repeats the password: %v", test.settings.Where, err)
		}
	}
}

func TestOpenNone(t *testing.T) {
	if transport, err := mail.Open(mail.Settings{Where: "none"}); transport != nil || err != nil {
		t.Errorf("got %v, %v; want nothing at all", transport, err)
	}
}

func TestTransportsSayWhereTheyGo(t *testing.T) {
	for where, want := range map[string]string{
		"dir:outbox":           "dir:outbox",
		"smtp://host":          "smtp://host:587",
		"smtps://host":         "smtps://host:465",
		"smtp://[::1]:2525":    "smtp://[::1]:2525",
		"smtp://ada%40x@host":  "smtp://ada%40x@host:587",
		"smtp://h:25?tls=none": "smtp://h:25",
	} {
		if got := open(t, where, password(t, "secret")).String(); got != want {
			t.Errorf("%s: %s, want %s", where, got, want)
		}
	}
}
