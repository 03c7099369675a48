package notice_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/reconciler"
	"usher/reconciler/notice"
)

func folder(t *testing.T, name, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReplacedTemplate(t *testing.T) {
	dir := folder(t, "role.txt", "Subject: Roles: {{len .Roles}}\r\n\r\nDear {{.Name}}{{range .Roles}}; {{.Contract}}{{end}}\r\n")
	w := writer(t, notice.Options{Templates: dir})
	r := parse(t, compose(t, w, notice.Sample(reconciler.NoticeRole)))
	if r.subject != "Roles: 2" || r.text != "Dear Ada Lovelace; acme-design; acme-plant\n" {
		t.Errorf("got subject %q and text %q", r.subject, r.text)
	}
	if !strings.Contains(r.html, "You are now") {
		t.Errorf("the HTML should still be ours:\n%s", r.html)
	}
}

func TestReplacedSharedPiece(t *testing.T) {
	dir := folder(t, "removed.txt", "Subject: Bye\n\n{{define \"foot\"}}Yours, Acme{{end}}Bye. {{template \"foot\" .}}")
	r := parse(t, compose(t, writer(t, notice.Options{Templates: dir}), notice.Sample(reconciler.NoticeRemoved)))
	if r.text != "Bye. Yours, Acme\n" {
		t.Errorf("text = %q", r.text)
	}
}

// A password in the middle of a long line is moved to a line of its own.
func TestGivenPasswordInALongLine(t *testing.T) {
	long := strings.Repeat("long ", 13)
	dir := folder(t, "invitation.txt", "Subject: Come\n\n"+long+"{{.Password}} and {{.Password}}\n")
	r := parse(t, compose(t, writer(t, notice.Options{Templates: dir}), notice.Sample(reconciler.NoticeInvitation)))
	want := long + "\nUUUU-PASS-WORD-UUUU and \nUUUU-PASS-WORD-UUUU\n"
	if r.text != want {
		t.Errorf("text = %q, want %q", r.text, want)
	}
}

func TestBrokenTemplates(t *testing.T) {
	for _, test := range []struct{ name, file, content, want string }{
		{"syntax", "role.txt", "Subject: x\n\none\n{{if .Name}}\n", "role.txt:5: unexpected EOF"},
		{"syntax in HTML", "role.html", "<p>\n{{.Name", "role.html:2: unclosed action"},
		{"syntax of the subject", "role.txt", "Subject: {{.Name\n\nbody\n", "role.txt:1: unclosed action"},
		{"unknown field", "role.txt", "Subject: x\n\n{{.Nmae}}\n", "role.txt:3:6: executing"},
		{"unknown field in a branch", "access.html", "{{if .Calendar}}\n{{.Nmae}}{{end}}", "access.html:2:2: executing"},
		{"unknown piece", "role.txt", "Subject: x\n\n{{template \"fot\" .}}\n", `template "fot" not defined`},
		{"broken shared piece", "shared.txt", "{{define \"list\"}}\n{{end", "shared.txt:2: unclosed action"},
		{"missing shared piece", "shared.html", "{{define \"list\"}}{{end}}", "no such template"},
		{"no subject", "role.txt", "Hello\n", `role.txt:1: expected a line "Subject: …" and then an empty line`},
		{"no empty line", "role.txt", "Subject: x\nHello\n", `role.txt:1: expected a line "Subject: …" and then an empty line`},
		{"empty subject", "role.txt", "Subject: {{with .OldEmail}}{{.}}{{end}}\n\nHello\n", "role.txt:1: the subject is empty"},
		{"blank subject", "role.txt", "Subject: \n\nHello\n", "role.txt:1: the subject is empty"},
		{"subject that depends on the revision", "role.txt", "Subject: {{.Revision}}\n\nHello\n", "role.txt:1: a subject cannot use .Revision"},
		{"invitation without the password", "invitation.html", "<p>Welcome</p>", "the HTML lacks the given password"},
		{"unknown name", "rolle.txt", "x", "rolle.txt: not the name of a template; there are access.html"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, test.file, test.content)
			_, err := notice.New(notice.Options{Templates: dir})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("New: %v\nwant it to say %q", err, test.want)
			}
			if !strings.Contains(err.Error(), test.file) && test.name != "invitation without the password" && test.name != "missing shared piece" {
				t.Errorf("New: %v\nwant it to name %s", err, test.file)
			}
		})
	}
}

// Ours are not tried at every start, because they are tried here.
func TestEmbeddedTemplates(t *testing.T) {
	writer(t, notice.Options{Templates: t.TempDir()})
}

func TestDotFilesArePassedOver(t *testing.T) {
	writer(t, notice.Options{Templates: folder(t, ".role.txt.swp", "x")})
}
