package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"usher/cmd/usher/portal/browsertest"
)

// office is an organisation as one finds it: manifests in a bare repository, whose
// commits are signed, a mail server, a server with downloads, and usher that watches.
type office struct {
	*place
	work    string // clone of the repository
	mails   string // folder of what the mail server got
	smtp    string // its address
	site    string // address of the account site
	file    []byte // what there is to download
	browser *browsertest.Browser
}

// newOffice begins with ada, who manages, and grace, who coordinates; both are invited.
func newOffice(t *testing.T) *office {
	t.Helper()
	for _, tool := range []string{"git", "ssh-keygen", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s, which makes signed commits, is not installed", tool)
		}
	}
	dir := t.TempDir()
	s := &office{place: &place{t, dir}, work: filepath.Join(dir, "work"), mails: filepath.Join(dir, "mails"), browser: browsertest.Start(t)}
	s.file = bytes.Repeat([]byte("an installer, so to speak\n"), 5000)
	s.mailServer()
	s.write("gitconfig", "[user]\n\tname = Somebody\n\temail = somebody@acme.example\n[gpg]\n\tformat = ssh\n")
	s.sh(dir, `git init -q --bare -b main firm.git && git init -q -b main work && git -C work remote add origin ../firm.git
for name in ada grace; do ssh-keygen -q -t ed25519 -N '' -C $name -f $name; done`)
	for _, name := range []string{"ada", "grace"} {
		key, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		s.write("work/"+name+".yaml", officePerson(name, "  signingKeys: ['"+strings.TrimSpace(string(key))+"']\n"))
	}
	s.write("work/studio.yaml", fmt.Sprintf(officeManifest, s.downloads(), sha256.Sum256(s.file), len(s.file)))
	s.sh(s.work, "git add -A && git commit -q -m 'the beginning' && git push -q origin main")
	return s
}

const officeManifest = `apiVersion: usher/v1
kind: Product
metadata: {name: cad}
spec:
  title: CAD 2027
  downloads:
    - {title: Windows 64-bit, url: "%s/cad.exe", sha256: "%x", size: %d}
---
apiVersion: usher/v1
kind: Product
metadata: {name: render}
spec: {title: Rendering}
---
apiVersion: usher/v1
kind: Contract
metadata: {name: studio}
spec:
  contractManager: ada
  softwareCoordinators: [grace]
  products:
    - {name: cad, seats: 5}
    - {name: render, seats: 2}
  cloudCredits: {pool: 1000, expires: 2037-06-30}
  supportEmail: help@acme.example
`

// officePerson is the manifest of somebody; more is further lines of its spec.
func officePerson(name, more string) string {
	title := strings.ToUpper(name[:1]) + name[1:]
	return fmt.Sprintf("apiVersion: usher/v1\nkind: User\nmetadata: {name: %s}\nspec:\n  email: %s@acme.example\n  firstName: %s\n  lastName: Lee\n%s", name, name, title, more)
}

// sh runs a script without the surroundings of whoever runs the tests.
func (s *office) sh(dir, script string) string {
	s.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = dir
	cmd.Env = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(s.dir, "gitconfig"), "HOME=" + s.dir, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// signed runs git commands in the clone that sign as somebody.
func (s *office) signed(name, script string) {
	s.Helper()
	s.sh(s.work, "git config user.signingkey "+filepath.Join(s.dir, name)+".pub\n"+script)
}

// mailServer takes messages on loopback.
func (s *office) mailServer() {
	s.Helper()
	if err := os.MkdirAll(s.mails, 0o700); err != nil {
		s.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	server := smtp.NewServer(&mailbox{dir: s.mails})
	server.Domain, server.EnableSMTPUTF8 = "localhost", true
	go server.Serve(listener)
	s.Cleanup(func() { server.Close() })
	s.smtp = "smtp://" + listener.Addr().String()
}

// downloads serves the file over https, and returns the address of the server.
func (s *office) downloads() string {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="cad.exe"`)
		w.Write(s.file)
	}))
	s.Cleanup(server.Close)
	return server.URL
}

// watch has usher follow the repository, beginning with the commit that is there.
func (s *office) watch() *process {
	s.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0") // links in messages have to name the port before usher has it
	if err != nil {
		s.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	s.site = "http://" + address
	c := s.start("watch", "--repo", "firm.git", "--ref", "refs/heads/main", "--trust", strings.TrimSpace(s.sh(s.work, "git rev-parse HEAD")),
		"--listen", address, "--url", s.site, "--mail", s.smtp, "--from", "usher@acme.example", "--resync", "1s", "--settle", "20ms")
	c.says(`msg=revision number=1 `)
	return c
}

// letter is a message that arrived.
type letter struct {
	netmail.Header
	text string // in full, as plain text
}

// letter waits for a message to an address whose subject has these words.
func (s *office) letter(to, subject string) letter {
	s.Helper()
	var found *letter
	s.until("a message to "+to+" about "+subject, func() bool {
		names, _ := filepath.Glob(filepath.Join(s.mails, "*.eml"))
		for _, name := range names {
			if l := readLetter(name); l != nil && strings.Contains(l.Get("To"), to) && strings.Contains(l.subject(), subject) {
				found = l
			}
		}
		return found != nil
	})
	return *found
}

func (l *letter) subject() string {
	words, err := new(mime.WordDecoder).DecodeHeader(l.Get("Subject"))
	if err != nil {
		return l.Get("Subject")
	}
	return words
}

// readLetter is nil for what is no message, or is not there in full yet.
func readLetter(path string) *letter {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	kind, parameters, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	var body io.Reader = quotedprintable.NewReader(m.Body)
	if strings.HasPrefix(kind, "multipart/") {
		part, err := multipart.NewReader(m.Body, parameters["boundary"]).NextPart() // plain text comes first, and is decoded
		if err != nil {
			return nil
		}
		body = part
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil
	}
	return &letter{m.Header, string(text)}
}

var linkOf = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\S*`)

// activate follows the link of somebody's invitation, signs in with the given password
// and chooses one of their own.
func (s *office) activate(w *browsertest.Window, name string) {
	s.Helper()
	invitation := s.letter(name+"@acme.example", "")
	w.Visit(linkOf.FindString(invitation.text))
	w.Says("given password")
	w.Fill("Given password", givenPassword.FindString(invitation.text))
	w.Follow("Sign in")
	w.Says("Choose your password")
	own := "a sentence that " + name + " keeps in mind"
	w.Fill("New password", own)
	w.Fill("The same once more", own)
	w.Follow("Activate my account")
	w.Says("Your account is active")
}

// From a commit to access, in a browser: the mail arrives, the account is activated, a
// product downloaded, support written to, credits read; a coordinator gives more, and
// the merge of what she proposed is applied and told. With the scripts of the pages,
// and without.
func TestTheSiteInABrowser(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", script), func(t *testing.T) {
			s := newOffice(t)
			c := s.watch()
			s.write("work/nell.yaml", officePerson("nell", "  access: [cad]\n"))
			s.signed("ada", "git add -A && git commit -q -S -m 'nell draws' && git push -q origin main")
			c.says(`msg=revision number=2 `)

			nell := s.browser.Open(t, s.site)
			nell.Script(script)
			s.activate(nell, "nell")
			s.downloadsAndAsks(nell)

			grace := s.browser.Open(t, s.site)
			grace.Script(script)
			s.activate(grace, "grace")
			s.gives(grace, script)
			c.says(`msg=revision number=3 `)
			told := s.letter("nell@acme.example", "access")
			if !strings.Contains(told.text, "Rendering") {
				t.Errorf("the message does not say what was given:\n%s", told.text)
			}
			nell.Follow("My products")
			nell.Says("Rendering Contract studio")
		})
	}
}

// downloadsAndAsks is what an end user comes for (DOMAIN.md row 19).
func (s *office) downloadsAndAsks(nell *browsertest.Window) {
	s.Helper()
	nell.Follow("My products")
	nell.Says("CAD 2027", "Not yours yet", "Rendering")
	nell.Click("Checksum")
	nell.Says(fmt.Sprintf("%x", sha256.Sum256(s.file)))
	fetched, err := os.ReadFile(nell.Download("Download CAD 2027 Windows 64-bit"))
	if err != nil {
		s.Fatal(err)
	}
	if sha256.Sum256(fetched) != sha256.Sum256(s.file) {
		s.Errorf("the download has %d bytes and another checksum", len(fetched))
	}

	nell.Follow("Support")
	nell.Fill("What is it about?", "Nothing starts")
	nell.Fill("Your message", "I clicked, and waited.")
	nell.Follow("Send")
	nell.Says("Your message is on its way to help@acme.example")
	asked := s.letter("help@acme.example", "Nothing starts")
	if !strings.Contains(asked.Get("Reply-To"), "nell@acme.example") || !strings.Contains(asked.text, "I clicked, and waited.") {
		s.Errorf("the message to support: Reply-To %q and\n%s", asked.Get("Reply-To"), asked.text)
	}

	s.write("usage.csv", "contract,user,day,credits\nstudio,nell,"+time.Now().UTC().Format(time.DateOnly)+",47\n")
	if said, code := s.run("credits", "import", "usage.csv"); code != exitDone {
		s.Fatalf("credits import: exit %d:\n%s", code, said)
	}
	nell.Follow("Cloud credits")
	nell.Says("You used 47", "Of a pool of 1,000", "Left 953")
}

// gives has a coordinator find nell, give her more, and sign the merge as the page says.
func (s *office) gives(grace *browsertest.Window, script bool) {
	s.Helper()
	grace.Follow("Users")
	grace.Fill("Name or e-mail", "nell")
	if script {
		grace.At("/users?q=nell&") // without a further key
	} else {
		grace.Follow("Search")
	}
	grace.Says("1 person")
	grace.Expand("Nell Lee")
	grace.Says("nell.yaml:8")
	grace.Follow("Edit Access of Nell Lee")
	grace.Says("2 of 2 seats left")
	grace.Tick("Rendering")
	grace.Follow("Save as a proposal")
	grace.Says("access of nell: give render under studio", "1 to grant", "1 message to send", "nell.yaml")
	branch := strings.TrimPrefix(grace.Path(), "/proposals/")
	if got := s.sh(filepath.Join(s.dir, "firm.git"), "git log -1 --format=%an,%s '"+branch+"' --"); got != "Grace Lee,access of nell: give render under studio\n" {
		s.Errorf("the commit on %s: %s", branch, got)
	}
	grace.Click("Merge it by hand")
	s.signed("grace", "git fetch -q origin '"+branch+":"+branch+"'\n"+grace.Text("pre.command")+"\ngit push -q origin main")
}
