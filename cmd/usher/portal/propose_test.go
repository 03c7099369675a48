package portal

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler/source"
	"usher/spec"
)

// repository puts the firm's manifests into a bare repository, below a folder, and
// has the portal propose to it.
func (f *firm) repository(t Tree) string {
	f.Helper()
	bare := filepath.Join(f.TempDir(), "firm.git")
	f.git(f.dir, "init", "-q", "-b", "main", ".")
	f.git(f.dir, "add", ".")
	f.git(f.dir, "commit", "-q", "-m", "the firm as it is")
	f.git(f.dir, "clone", "-q", "--bare", f.dir, bare)
	t.Repository, t.Ref = bare, "refs/heads/main"
	f.proposing(t)
	return bare
}

// proposing opens the portal with a place to propose to.
func (f *firm) proposing(t Tree) {
	f.Helper()
	f.planning()
	f.furnish(Options{Tree: &t, Plan: f.site.Plan})
}

// git runs git without the surroundings of whoever runs the tests.
func (f *firm) git(dir string, args ...string) string {
	f.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=Tester", "-c", "user.email=tester@acme.example"}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=/nonexistent", "PATH=/usr/local/bin:/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// branches lists the branches of a repository beside main.
func (f *firm) branches(bare string) []string {
	f.Helper()
	return strings.Fields(f.git(bare, "for-each-ref", "--format=%(refname:short)", "refs/heads/usher/"))
}

// ticks is a form of Edit Access: what was ticked and what is.
func ticks(was, has string) url.Values {
	return url.Values{"was": strings.Fields(was), "has": strings.Fields(has)}
}

func TestSavingAccessMakesABranchWithOneCommit(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{Signed: true, PullRequest: "https://forge.acme.example/compare/{branch}?expand=1"})
	main := f.git(bare, "rev-parse", "main")
	form := f.as("grace").get("/users/eve/access")
	form.says(200, "Eve Testeve", "CAD 2027", "8 of 10 seats left")
	f.as("grace").get("/users/ada/access").says(200, "CAD 2027")

	saved := f.as("grace").post("/users/ada/access", url.Values{"has": {"design/cad"}, "until": {"2037-03-31"}, "reason": {"CAD-1"}})
	branches := f.branches(bare)
	if len(branches) != 1 || !strings.HasPrefix(branches[0], "usher/access-ada-") {
		t.Fatalf("branches %v after %d; want one for the access of ada", branches, saved.status)
	}
	saved.leads("/proposals/" + branches[0])
	got := f.git(bare, "log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%s%n%P", branches[0])
	want := "Grace Testgrace <grace@acme.example>\nusher <usher@acme.example>\naccess of ada: give cad under design\n" + main
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the commit (-want +got):\n%s", diff)
	}
	changed := f.git(bare, "diff", "--numstat", "main", branches[0])
	if changed != "2\t0\tpeople.yaml\n" {
		t.Errorf("changed %q, want two lines of people.yaml added", changed)
	}
	f.git(bare, "fsck", "--strict")
	if now := f.git(bare, "rev-parse", "main"); now != main {
		t.Error("the branch that is applied was moved")
	}

	page := f.as("grace").get(saved.to())
	page.says(200, "access of ada: give cad under design", "Grace Testgrace <grace@acme.example>", "The commit is not signed",
		"What would change", "Ada Testada <ada@acme.example>", "cad under design until 2037-03-31", "1 to grant", "1 message to send",
		"people.yaml:", "- {product: cad, until: 2037-03-31, reason: CAD-1}")
	link := ""
	for _, a := range page.elements("a", "button") {
		link = attribute(a, "href")
	}
	if want := "https://forge.acme.example/compare/" + url.PathEscape(branches[0]) + "?expand=1"; link != want {
		t.Errorf("the pull request is at %q, want %q", link, want)
	}
	if n := f.newest().Number; n != 1 {
		t.Errorf("revision %d is the newest; proposing changes nothing", n)
	}
}

func TestTakingAccessAndWhatATeamGives(t *testing.T) {
	f := newFirm(t)
	f.write("team.yaml", "apiVersion: usher/v1\nkind: Team\nmetadata: {name: welders}\nspec:\n  members: [ada, eve]\n  access: [cad]\n")
	f.apply()
	bare := f.repository(Tree{})
	page := f.as("grace").get("/users/ada/access")
	page.says(200, "by team welders, at team.yaml:6", "Given to everybody in it")
	box := page.elements("input", "")
	for _, in := range box {
		if attribute(in, "value") == "design/cad" && attribute(in, "type") == "checkbox" {
			checked, disabled := false, false
			for _, a := range in.Attr {
				checked, disabled = checked || a.Key == "checked", disabled || a.Key == "disabled"
			}
			if !checked || !disabled {
				t.Errorf("what a team gives is ticked %v and fixed %v; want both", checked, disabled)
			}
		}
	}
	f.as("grace").get("/users/eve/access").says(200, "by team welders, at team.yaml:6")
	saved := f.as("grace").post("/users/eve/access", ticks("design/cad", ""))
	f.as("grace").get(saved.to()).says(200, "access of eve: take cad under design")
	if changed := f.git(bare, "diff", "main", f.branches(bare)[0]); !strings.Contains(changed, "\n-  access: [cad]\n") {
		t.Errorf("the diff takes no access:\n%s", changed)
	}
}

func TestSavingIsRefusedWhereItShouldBe(t *testing.T) {
	f := newFirm(t)
	f.write("list.yaml", "apiVersion: usher/v1\nkind: UserList\nmetadata: {name: interns}\nspec:\n  users: \"bo@acme.example, Bo, Ek\"\n  access: [cad]\n")
	f.apply()
	bare := f.repository(Tree{})
	yesterday := (spec.DayOf(f.now()) - 1).String()
	tests := []struct {
		name, who, user string
		form            url.Values
		status          int
		words           string
	}{
		{"nothing ticked", "grace", "eve", ticks("design/cad", "design/cad"), 422, "nothing is ticked or unticked yet"},
		{"there already", "grace", "eve", ticks("", "design/cad"), 422, "the manifests say so already"},
		{"a contract of others", "grace", "eve", ticks("", "plant/pipes"), 403, "not yours to give"},
		{"taking under a contract of others", "thora", "eve@acme.example", ticks("design/cad", ""), 403, "not yours to give"},
		{"a product there is none of", "grace", "eve", ticks("", "design/nothing"), 403, "not yours to give"},
		{"no day", "grace", "ada", url.Values{"has": {"design/cad"}, "until": {"soon"}}, 422, "a day is written like 2027-03-31"},
		{"days the wrong way round", "grace", "ada", url.Values{"has": {"design/cad"}, "from": {"2037-01-02"}, "until": {"2037-01-01"}}, 422, "this is before it begins"},
		{"a last day that has passed", "grace", "ada", url.Values{"has": {"design/cad"}, "until": {"2020-12-31"}}, 422, "this day has passed"},
		{"one that ended yesterday", "grace", "ada", url.Values{"has": {"design/cad"}, "from": {"2020-01-01"}, "until": {yesterday}}, 422, "this day has passed"},
		{"an entry of a list", "grace", "bo@acme.example", ticks("design/cad", ""), 422, "is an entry of the UserList at list.yaml:5"},
		{"nobody", "grace", "nobody", ticks("", "design/cad"), 404, "There is nobody of that name"},
		{"somebody of others, by name", "thora", "eve", ticks("", "plant/pipes"), 404, "There is nobody of that name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := f.as(tt.who).post("/users/"+url.PathEscape(tt.user)+"/access", tt.form)
			got.T = t
			got.says(tt.status, tt.words)
		})
	}
	if branches := f.branches(bare); len(branches) > 0 {
		t.Errorf("what was refused made branches: %v", branches)
	}
}

// TestAnOldFormUndoesNothing: what others gave since the form was opened stays.
func TestAnOldFormUndoesNothing(t *testing.T) {
	f := newFirm(t)
	f.write("firm.yaml", strings.Replace(firmManifests, "products: [{name: cad, seats: 10}]", "products: [{name: cad, seats: 10}, {name: pipes}]", 1))
	f.apply()
	form := ticks("", "design/cad") // as the page was, with one tick
	form.Set("basis", fmt.Sprint(f.newest().Number))
	f.write("people.yaml", strings.Replace(firmPeople(), "Testada\n", "Testada\n  access: [{product: pipes, contract: design}]\n", 1))
	f.apply()
	bare := f.repository(Tree{})
	f.as("grace").get(f.as("grace").post("/users/ada/access", form).to()).says(200, "access of ada: give cad under design", "1 to grant, 0 to change, 0 to revoke")
	if now := f.git(bare, "show", f.branches(bare)[0]+":people.yaml"); !strings.Contains(now, "  access: [{product: pipes, contract: design}, cad]\n") {
		t.Errorf("the manifest of ada:\n%s", now)
	}
	form.Set("until", "never")
	f.as("grace").post("/users/ada/access", form).says(422, "What is applied has changed since you opened this page")
}

// TestSeatsRunOut: what has no seat left is not proposed, and the ticks are kept.
func TestSeatsRunOut(t *testing.T) {
	f := newFirm(t)
	f.write("firm.yaml", strings.Replace(firmManifests, "seats: 10", "seats: 2", 1))
	f.apply()
	f.repository(Tree{})
	f.as("grace").get("/users/ada/access").says(200, "0 of 2 seats left")
	back := f.as("grace").post("/users/ada/access", url.Values{"has": {"design/cad"}, "reason": {"for the pier"}})
	back.says(422, "3 assigned, 2 seats under design", "remove one or buy one")
	if !strings.Contains(back.body, `value="for the pier"`) || !strings.Contains(back.body, `value="design/cad" checked`) {
		t.Error("the form that came back lost what was filled in")
	}
}

// TestProposalsAtOnce: each makes a branch of its own, from one base.
func TestProposalsAtOnce(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	var all sync.WaitGroup
	browsers := []*browser{f.as("grace"), f.as("ada"), f.as("grace"), f.as("ada")}
	for _, b := range browsers {
		all.Go(func() { b.post("/users/eve/access", ticks("design/cad", "")) })
	}
	all.Wait()
	if branches := f.branches(bare); len(branches) != len(browsers) {
		t.Errorf("branches %v, want %d", branches, len(browsers))
	}
	f.git(bare, "fsck", "--strict")
}

// TestStaleProposals say so: in other files, in the same, and once merged.
func TestStaleProposals(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	saved := f.as("grace").post("/users/eve/access", ticks("design/cad", ""))
	branch := f.branches(bare)[0]
	advance := func(file, content string) {
		f.write(file, content)
		f.git(f.dir, "add", ".")
		f.git(f.dir, "commit", "-q", "-m", "meanwhile")
		f.git(f.dir, "push", "-q", bare, "HEAD:main")
	}
	if page := f.as("grace").get(saved.to()); strings.Contains(page.text(), "Since this was proposed") {
		t.Errorf("a new proposal is said to be stale:\n%s", page.text())
	}
	advance("zoe.yaml", firmPerson("zoe", ""))
	page := f.as("grace").get(saved.to())
	page.says(200, "has moved on, in other manifests", "Zoe Testzoe", "1 person to add", "1 to revoke")
	advance("people.yaml", firmPeople()+firmPerson("yan", ""))
	page = f.as("grace").get(saved.to())
	page.says(200, "others have changed the same manifests", "What the commit changes")
	if strings.Contains(page.text(), "What would change") {
		t.Error("a plan is shown of what only a merge can tell")
	}
	f.git(f.dir, "fetch", "-q", bare, branch)
	f.git(f.dir, "merge", "-q", "-m", "as proposed", "FETCH_HEAD")
	f.git(f.dir, "push", "-q", bare, "HEAD:main")
	f.as("grace").get(saved.to()).says(200, "This is part of main")
	f.apply()
	if access, err := f.db.Access(t.Context(), f.account("eve").ID); err != nil || len(access) != 0 {
		t.Errorf("eve has %v (%v) once it is merged and applied; want nothing", access, err)
	}
	f.git(bare, "branch", "-D", branch)
	f.as("grace").get(saved.to()).says(404, "There is no such proposal")
}

// TestAProposalShowsNothingOfOthers: what waits to be applied beside it is shown to
// those whose contracts it concerns, as on the page of held plans.
func TestAProposalShowsNothingOfOthers(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	f.write("zed.yaml", firmPerson("zed", "  access: [pipes]\n"))
	f.git(f.dir, "add", ".")
	f.git(f.dir, "commit", "-q", "-m", "somebody for plant")
	f.git(f.dir, "push", "-q", bare, "HEAD:main")
	saved := f.as("grace").post("/users/ada/access", ticks("", "design/cad"))
	page := f.as("grace").get(saved.to())
	page.says(200, "Ada Testada", "cad under design", "1 message: 1 change of access", "Not shown: 2 changes that concern contracts of others")
	page.lacks("zed", "Testzed", "pipes")
	saved = f.as("thora").post("/users/olu/access", ticks("", "plant/pipes"))
	page = f.as("thora").get(saved.to())
	page.says(200, "Zed Testzed", "pipes under plant", "2 messages: ", "1 invitation")
}

// TestWhoSeesAProposal: its author, and the stewards of all contracts that it concerns.
func TestWhoSeesAProposal(t *testing.T) {
	f := newFirm(t)
	f.write("firm.yaml", strings.Replace(firmManifests, "  softwareCoordinators: [thora]", "  softwareCoordinators: [thora, grace]", 1))
	f.apply()
	bare := f.repository(Tree{})
	grace := f.as("grace")
	proposal := func(path string, form url.Values) string {
		t.Helper()
		saved := grace.post(path, form)
		if !strings.HasPrefix(saved.to(), "/proposals/usher/") {
			t.Fatalf("got %d to %q, want a proposal:\n%s", saved.status, saved.to(), saved.text())
		}
		return saved.to()
	}
	bo := url.Values{"email": {"bo@acme.example"}, "first": {"Bo"}, "last": {"Ek"}}
	both := url.Values{"email": {"cy@acme.example"}, "first": {"Cy"}, "last": {"Ek"}, "has": {"design/cad", "plant/pipes"}}
	alone := proposal("/users/add", bo)
	f.git(f.dir, "fetch", "-q", bare, strings.TrimPrefix(alone, "/proposals/"))
	f.git(f.dir, "checkout", "-q", "FETCH_HEAD")
	f.git(f.dir, "commit", "-q", "--amend", "--author", "Grace Testgrace <grace@acme.example>", "-m", "add Bo Ek\n\nProposed in the account portal by grace.")
	f.git(f.dir, "push", "-q", bare, "HEAD:refs/heads/usher/older-1")
	tests := []struct{ name, path, who string }{
		{"under design", proposal("/users/eve/access", ticks("design/cad", "")), "ada grace"},
		{"under both", proposal("/users/add", both), "grace"},
		{"without access", alone, "ada grace olu thora"},
		{"that does not say", "/proposals/usher/older-1", "grace"},
		{"that there is not", "/proposals/usher/add-nobody-abcdefgh", ""},
	}
	for _, tt := range tests {
		for _, who := range []string{"ada", "grace", "olu", "thora"} {
			got := f.as(who).get(tt.path)
			if sees := got.status == 200; sees != slices.Contains(strings.Fields(tt.who), who) || !sees && !strings.Contains(got.text(), "There is no such proposal") {
				t.Errorf("a proposal %s for %s: got %d, want it seen by %s", tt.name, who, got.status, tt.who)
			}
		}
	}
}

// TestOtherBranchesAreNotShown: the page reads what the portal proposed, and
// nothing else of the repository.
func TestOtherBranchesAreNotShown(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	f.git(bare, "branch", "secret", "main")
	f.git(bare, "branch", "usher/Odd", "main")
	for _, branch := range []string{"secret", "main", "usher/Odd", "usher/x^{/firm}", "usher/../main", "usher/none-1", "usher/x%0amain"} {
		got := f.as("grace").get("/proposals/" + strings.ReplaceAll(branch, "^", "%5E"))
		if got.status != 404 && got.status != 307 && got.status != 301 {
			t.Errorf("%s: got %d, want it not found", branch, got.status)
		}
	}
}

// TestAFolderIsNotWritten: where manifests come from a folder, the page says what to
// write, and where.
func TestAFolderIsNotWritten(t *testing.T) {
	f := newFirm(t)
	f.proposing(Tree{Dir: f.dir})
	before, err := source.Dir(f.dir, source.Options{}).Snapshot(t.Context())
	f.must(err)
	page := f.as("grace").post("/users/ada/access", ticks("", "design/cad"))
	page.says(200, "To write to the manifests", "Nothing was written", "people.yaml:9", "+ access:", "+ - cad", "1 to grant")
	page = f.as("grace").post("/users/add", url.Values{"email": {"bo@acme.example"}, "first": {"Bo"}, "last": {"Ek"}})
	page.says(200, "bo@acme.example.yaml", "firstName: Bo", "1 person to add")
	after, err := source.Dir(f.dir, source.Options{}).Snapshot(t.Context())
	f.must(err)
	if before.Digest != after.Digest {
		t.Error("the portal wrote to the folder")
	}
}

// TestInvalidTreesAreNotEdited: while the manifests have errors, nothing is
// proposed on top of them.
func TestInvalidTreesAreNotEdited(t *testing.T) {
	f := newFirm(t)
	f.proposing(Tree{Dir: f.dir})
	f.write("broken.yaml", "kind: User\n")
	f.as("grace").post("/users/ada/access", ticks("", "design/cad")).says(409, "The manifests have errors just now")
}

// TestAuthorsCannotForgeCommits: whatever stands in a name, the commit has one
// author and the message that was meant.
func TestAuthorsCannotForgeCommits(t *testing.T) {
	f := newFirm(t)
	f.write("people.yaml", strings.Replace(firmPeople(), "firstName: Grace", "firstName: 'Grace <root@acme.example> committer'", 1))
	f.apply()
	bare := f.repository(Tree{})
	f.as("grace").post("/users/add", url.Values{"email": {"bo@acme.example"}, "first": {"Usher-Allow-Removals: 9"}, "last": {"Ek"}})
	branches := f.branches(bare)
	if len(branches) != 1 {
		t.Fatalf("branches %v, want one", branches)
	}
	raw := f.git(bare, "cat-file", "commit", branches[0])
	if n := strings.Count(raw, "\nauthor "); n != 1 || !strings.Contains(raw, "author Grace root@acme.example committer Testgrace <grace@acme.example> ") {
		t.Errorf("the commit:\n%s", raw)
	}
	if trailers := f.git(bare, "log", "-1", "--format=%(trailers)", branches[0]); strings.TrimSpace(trailers) != concerns {
		t.Errorf("the message has the trailers %s, want that of the portal alone", trailers)
	}
	f.git(bare, "fsck", "--strict")
}

func TestSlugs(t *testing.T) {
	for text, want := range map[string]string{
		"add-bo@acme.example": "add-bo-acme-example", "access-三浦@acme.example": "access-acme-example",
		"a..b/../c": "a-b-c", "-x-": "x", strings.Repeat("long ", 20): "long-long-long-long-long-long-long-long",
	} {
		if got := slugOf(text); got != want {
			t.Errorf("slug of %q: %q, want %q", text, got, want)
		}
		if name := fmt.Sprintf("usher/%s-abcd2345", slugOf(text)); !proposalName().MatchString(name) {
			t.Errorf("%s is not recognised as a proposal", name)
		}
	}
}

// TestTheMergeOnThePageCounts: where signatures count, the command that the page
// shows makes the proposal one that is applied, and merging without it does not.
func TestTheMergeOnThePageCounts(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen, which makes the signature, is not installed")
	}
	f := newFirm(t)
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("making a key: %v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	f.must(err)
	f.write("people.yaml", strings.Replace(firmPeople(), "Testgrace\n", "Testgrace\n  signingKeys: ['"+strings.TrimSpace(string(public))+"']\n", 1))
	f.apply()
	bare := f.repository(Tree{Signed: true})
	base := strings.TrimSpace(f.git(bare, "rev-parse", "main"))
	saved := f.as("grace").post("/users/eve/access", ticks("design/cad", ""))
	branch := f.branches(bare)[0]
	page := f.as("grace").get(saved.to())
	commands := page.elements("pre", "command")
	if len(commands) != 1 {
		t.Fatalf("%d commands on the page, want one", len(commands))
	}
	repository, err := source.OpenRepository(t.Context(), f.dir)
	f.must(err)
	f.control.Source = source.NewRef(repository, "refs/heads/main", "")
	f.control.Authority, f.control.Trust = true, base
	f.git(f.dir, "fetch", "-q", bare, branch+":"+branch)

	f.git(f.dir, "merge", "-q", "--ff-only", branch)
	if plan, err := f.control.Plan(t.Context()); err != nil || len(plan.Held) == 0 {
		t.Errorf("the commit merged without a signature: %v, %v; want it held", plan, err)
	}
	f.git(f.dir, "reset", "-q", "--hard", base)
	for _, setting := range [][2]string{{"gpg.format", "ssh"}, {"user.signingkey", key}, {"user.name", "Grace"}, {"user.email", "grace@acme.example"}} {
		f.git(f.dir, "config", setting[0], setting[1])
	}
	merge := exec.Command("sh", "-c", strings.ReplaceAll(textOf(commands[0]), "\\ ", "")) // on one line
	merge.Dir = f.dir
	if out, err := merge.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := f.control.Apply(t.Context(), f.owner, "")
	f.must(err)
	if len(out.Plan.Held) > 0 || out.Applied == nil {
		t.Errorf("the signed merge is held: %+v", out.Plan.Held)
	}
}
