package source_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

// studio is a repository of a firm whose people sign with keys of their own.
type studio struct {
	*clone
	keys string // a folder: NAME and NAME.pub
	when time.Time
}

func newStudio(t *testing.T, options ...string) *studio {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen, which signs the commits of this test, is not installed: apt-get install openssh-client")
	}
	s := &studio{clone: newClone(t, options...), keys: t.TempDir(), when: time.Now().Add(-time.Hour).Truncate(time.Second)}
	s.write("design.yaml", manifest("Contract", "design", "contractManager: ada", "softwareCoordinators: [grace]", "products: [{name: cad, seats: 10}]"))
	s.write("cad.yaml", "apiVersion: usher/v1\nkind: Product\nmetadata: {name: cad}\n")
	s.write("ada.yaml", s.person("ada", "ed25519"))
	s.write("grace.yaml", s.person("grace", "ecdsa"))
	s.write("bo.yaml", s.person("bo", "ed25519", "access: [cad]"))
	return s
}

func manifest(kind, name string, lines ...string) string {
	return fmt.Sprintf("apiVersion: usher/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n  %s\n", kind, name, strings.Join(lines, "\n  "))
}

// key makes a key pair and returns the public line.
func (s *studio) key(name, kind string) string {
	s.Helper()
	path := filepath.Join(s.keys, name)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name+"@acme.example", "-f", path).CombinedOutput(); err != nil {
		s.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	pub, err := os.ReadFile(path + ".pub")
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(string(pub))
}

func (s *studio) person(name, kind string, lines ...string) string {
	s.Helper()
	return manifest("User", name, append([]string{
		"email: " + name + "@acme.example", "firstName: " + name, "lastName: Lee", "signingKeys: ['" + s.key(name, kind) + "']",
	}, lines...)...)
}

// edit replaces text in a file.
func (s *studio) edit(path, old, new string) {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, path))
	if err != nil {
		s.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		s.Fatalf("%s has no %q", path, old)
	}
	s.write(path, strings.ReplaceAll(string(text), old, new))
}

// signed commits everything with somebody's key; "" signs nothing.
func (s *studio) signed(who, message string, args ...string) string {
	s.Helper()
	s.git("add", "-A")
	s.run(who, append([]string{"commit", "-q", "--allow-empty", "-m", message}, args...)...)
	return s.git("rev-parse", "HEAD")
}

// run runs a git command that makes a commit, signed by somebody.
func (s *studio) run(who string, args ...string) {
	s.Helper()
	s.when = s.when.Add(time.Second)
	config := []string{"-c", "commit.gpgSign=false"}
	if who != "" {
		config = []string{"-c", "gpg.format=ssh", "-c", "user.signingKey=" + filepath.Join(s.keys, who), "-c", "commit.gpgSign=true"}
	}
	s.T.Setenv("GIT_COMMITTER_DATE", s.when.Format(time.RFC3339))
	s.git(append(config, args...)...)
}

func (s *studio) ref() *source.Ref {
	s.Helper()
	r, err := source.OpenRepository(context.Background(), s.dir)
	if err != nil {
		s.Fatal(err)
	}
	return source.NewRef(r, "refs/heads/main", "")
}

func today() spec.Day { return spec.DayOf(time.Now()) }

func (s *studio) steps(r *source.Ref, applied, commit string) []reconciler.Step {
	s.Helper()
	steps, err := r.Steps(context.Background(), applied, commit, today())
	if err != nil {
		s.Fatalf("Steps: %v", err)
	}
	return steps
}

// judge judges what came after a commit, which is taken for applied.
func (s *studio) judge(applied, commit string) (bool, []reconciler.Refusal) {
	s.Helper()
	r := s.ref()
	first := s.steps(r, "", applied)
	return reconciler.Authority(reconciler.Review{
		Base: first[len(first)-1].Roster, Steps: s.steps(r, applied, commit), Now: time.Now(),
	})
}

// words writes refusals one a line.
func words(refusals []reconciler.Refusal) []string {
	var list []string
	for _, r := range refusals {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s: %s", r.Subject, r.Change.Action, r.Change.Kind, r.Change.Subject, r.Missing)))
	}
	return list
}

// Signatures of every kind of key, over both object formats, are those of their
// makers; what was not signed so is nobody's.
func TestWhoSigned(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			s := newStudio(t, "--object-format="+format)
			s.write("olu.yaml", s.person("olu", "rsa"))
			applied := s.signed("", "start")
			for _, name := range []string{"ada", "grace", "olu", ""} {
				s.signed(name, "by "+name)
			}
			r := s.ref()
			steps := s.steps(r, applied, "refs/heads/main")
			roster := s.steps(r, "", applied)[0].Roster
			if steps[0].Standing != reconciler.StandingApplied || len(steps) != 5 {
				t.Fatalf("%d steps, the first %v", len(steps), steps[0].Standing)
			}
			for i, name := range []string{"ada", "grace", "olu"} {
				key := roster.User(name).SigningKeys[0]
				if got := steps[i+1].Signer; got.Key != key || got.Problem != "" || !strings.HasPrefix(got.Fingerprint, "SHA256:") {
					t.Errorf("%s: %+v, want %s", name, got, key)
				}
			}
			if got := steps[4].Signer; got != (reconciler.Signer{Problem: "not signed"}) {
				t.Errorf("unsigned: %+v", got)
			}
		})
	}
}

// replace writes a commit object like another but for some text, and returns its id.
func (s *studio) replace(id, old, new string) string {
	s.Helper()
	text := s.git("cat-file", "commit", id) + "\n"
	if !strings.Contains(text, old) {
		s.Fatalf("commit %s has no %q:\n%s", id, old, text)
	}
	cmd := exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally")
	cmd.Dir, cmd.Stdin = s.dir, strings.NewReader(strings.Replace(text, old, new, 1))
	out, err := cmd.Output()
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestSignaturesThatDoNotCount(t *testing.T) {
	s := newStudio(t)
	applied := s.signed("", "start")
	good := s.signed("ada", "by ada")
	pgp := s.replace(good, "gpgsig ", "gpgsig -----BEGIN PGP SIGNATURE-----\n x\n ")
	forFile := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(forFile, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", filepath.Join(s.keys, "ada"), forFile).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	sig, err := os.ReadFile(forFile + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := s.replace(s.signed("", "by nobody"), "\n\n", "\ngpgsig "+strings.ReplaceAll(strings.TrimSpace(string(sig)), "\n", "\n ")+"\n\n")
	for _, c := range []struct{ name, id, want string }{
		{"another message", s.replace(good, "by ada", "by Ada"), "signed with a signature that does not fit the commit"},
		{"another author", s.replace(good, "author Ada", "author Olu"), "signed with a signature that does not fit the commit"},
		{"damaged", s.replace(good, "gpgsig -----BEGIN SSH SIGNATURE-----\n ", "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA"), "signed with a signature that cannot be read"},
		{"PGP", pgp, "signed with PGP, and usher reads SSH signatures"},
		{"X.509", s.replace(good, "BEGIN SSH SIGNATURE", "BEGIN SIGNED MESSAGE"), "signed in a way that usher does not read: it reads SSH signatures"},
		{"for a file", elsewhere, `signed for "file", not for git`},
	} {
		steps := s.steps(s.ref(), applied, c.id)
		if got := steps[len(steps)-1].Signer; got != (reconciler.Signer{Problem: c.want}) {
			t.Errorf("%s: %+v, want %q", c.name, got, c.want)
		}
	}
}

func TestDescends(t *testing.T) {
	s := newStudio(t)
	first := s.signed("ada", "first")
	second := s.signed("ada", "second")
	s.git("checkout", "-q", "-b", "side", first)
	side := s.signed("bo", "side")
	s.run("ada", "merge", "-q", "--no-ff", "-m", "merge", second)
	merge := s.git("rev-parse", "HEAD")
	gone := strings.Repeat("1", 40)
	for _, c := range []struct {
		applied, commit string
		want            bool
	}{
		{first, first, true}, {first, second, true}, {second, first, false}, {second, side, false},
		{second, merge, true}, {side, merge, true}, {gone, merge, false}, {"", merge, false},
	} {
		got, err := s.ref().Descends(context.Background(), c.applied, c.commit)
		if err != nil || got != c.want {
			t.Errorf("Descends(%.7s, %.7s): %v, %v, want %v", c.applied, c.commit, got, err, c.want)
		}
	}
}

// Steps come parents first, the applied commit and what new ones build on before
// them, in any shape of history and in spite of dates.
func TestStepsOfAHistory(t *testing.T) {
	s := newStudio(t)
	s.signed("ada", "root")
	fork := s.signed("ada", "fork")
	s.when = s.when.Add(-2 * time.Hour) // a clock that was put back
	applied := s.signed("ada", "applied")
	s.signed("ada", "main")
	s.git("checkout", "-q", "-b", "side", fork)
	s.signed("bo", "side")
	s.git("checkout", "-q", "main")
	s.run("ada", "merge", "-q", "--no-ff", "-m", "merge", "side")
	var got []string
	for _, step := range s.steps(s.ref(), applied, "refs/heads/main") {
		got = append(got, fmt.Sprintf("%s %d", step.Subject, step.Standing))
	}
	want := []string{"applied 1", "main 0", "fork 2", "side 0", "merge 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if steps := s.steps(s.ref(), applied, applied); len(steps) != 1 {
		t.Errorf("nothing new: %d steps, want the applied one", len(steps))
	}
	if steps := s.steps(s.ref(), strings.Repeat("1", 40), "refs/heads/main"); len(steps) != 6 {
		t.Errorf("applied is gone: %d steps, want the whole history of 6", len(steps))
	}
}

// What git was told about its objects does not reach the history: no replaced
// commit, no graft, no tampered object.
func TestHistoryIsOfProvenCommits(t *testing.T) {
	s := newStudio(t)
	applied := s.signed("ada", "applied")
	s.edit("design.yaml", "seats: 10", "seats: 99")
	bad := s.signed("bo", "seats")
	good := s.signed("ada", "on top")
	s.git("replace", "--graft", good, applied)
	if err := os.WriteFile(filepath.Join(s.dir, ".git", "shallow"), []byte(bad+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	accepted, refusals := s.judge(applied, good)
	want := []string{"seats: change contract design: contract manager of design"}
	if diff := cmp.Diff(want, words(refusals)); accepted || diff != "" {
		t.Errorf("accepted %v\n%s", accepted, diff)
	}
}

func TestTrailers(t *testing.T) {
	s := newStudio(t)
	applied := s.signed("", "start")
	id := strings.Repeat("ab", 20)
	for _, c := range []struct {
		message string
		ids     []string
		allow   int
	}{
		{"Usher-Allow-Removals: 3", nil, 0},
		{"Subject\n\nUsher-Allow-Removals: 3", nil, 3},
		{"Subject\n\nText.\n\nReviewed-by: Olu\nusher-authorises: " + id + "\nUsher-Authorises: ABCDEF012345", []string{id, "abcdef012345"}, 0},
		{"Subject\n\nUsher-Allow-Removals: 3\n\nMore text.", nil, 0},
		{"Subject\n\nUsher-Allow-Removals: many\nUsher-Authorises: abc", nil, 0},
		{"Subject\n\nUsher-Allow-Removals: -1", nil, 0},
	} {
		s.signed("ada", c.message)
		steps := s.steps(s.ref(), applied, "refs/heads/main")
		got := steps[len(steps)-1]
		allow := 0
		if got.AllowRemovals != nil {
			allow = *got.AllowRemovals
		}
		if diff := cmp.Diff(c.ids, got.Authorises); diff != "" || allow != c.allow {
			t.Errorf("%q: authorises %q, allows %d", c.message, got.Authorises, allow)
		}
	}
}

// A history with a tree that no longer parses, is too large, or has no manifests
// yet goes on being read.
func TestHistoryWithTreesThatAreNotValid(t *testing.T) {
	s := newStudio(t)
	s.signed("ada", "start")
	applied := s.git("rev-parse", "HEAD")
	s.write("broken.yaml", "{{},<<}")
	s.signed("ada", "broken")
	s.write("broken.yaml", strings.Repeat("# large\n", spec.MaxFileSize/8+200_000))
	s.signed("ada", "large")
	s.git("rm", "-q", "-f", "broken.yaml")
	s.signed("ada", "mended")
	var got []string
	for _, step := range s.steps(s.ref(), applied, "refs/heads/main") {
		got = append(got, fmt.Sprintf("%s %v", step.Subject, step.Roster != nil))
	}
	want := []string{"start true", "broken false", "large false", "mended true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := s.ref().Steps(context.Background(), applied, "refs/heads/none", today())
	if err == nil || !strings.Contains(err.Error(), "there is no commit refs/heads/none") {
		t.Errorf("no such ref: %v", err)
	}
}

// A shallow clone does not have what must be judged.
func TestShallowHistory(t *testing.T) {
	s := newStudio(t)
	s.signed("ada", "one")
	s.signed("ada", "two")
	shallow := &clone{t, filepath.Join(t.TempDir(), "shallow")}
	s.git("clone", "-q", "--depth=1", "file://"+s.dir, shallow.dir)
	r, err := source.OpenRepository(context.Background(), shallow.dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = source.NewRef(r, "refs/heads/main", "").Steps(context.Background(), "", "refs/heads/main", today())
	if err == nil || !strings.Contains(err.Error(), "not a shallow one") || errors.Is(err, context.Canceled) {
		t.Errorf("Steps: %v", err)
	}
}

func TestForgeKeys(t *testing.T) {
	s := newStudio(t)
	key := s.key("forge", "ed25519")
	keys, err := source.ParseForgeKeys([]byte("# keys of the forge\n\n" + key + "\n"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v, %v", keys, err)
	}
	for _, bad := range []string{"", "# none\n", "ssh-ed25519 AAAA\n"} {
		if keys, err := source.ParseForgeKeys([]byte(bad)); err == nil {
			t.Errorf("%q: %v, want an error", bad, keys)
		}
	}
	applied := s.signed("", "start")
	s.signed("forge", "merged on the web")
	for _, trusted := range []bool{false, true} {
		r := s.ref()
		if trusted {
			r.TrustForge(keys)
		}
		steps := s.steps(r, applied, "refs/heads/main")
		if got := steps[1].Forge; got != trusted {
			t.Errorf("trusted %v: forge %v", trusted, got)
		}
	}
}
