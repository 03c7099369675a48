package reconciler_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"usher/reconciler"
	"usher/spec"
)

// signingKey is the public key of somebody, the same in every run.
func signingKey(whose string) string {
	seed := sha256.Sum256([]byte(whose))
	pub, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(seed[:]).Public())
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))
}

func signs(options, whose string) string {
	return fmt.Sprintf("signingKeys: ['%s%s']", options, signingKey(whose))
}

// designAndBuild is a firm whose people sign: ada manages design and grace
// coordinates it; olu and sam do so for build. vera coordinates design and is
// suspended.
func designAndBuild() tree {
	return tree{
		"design.yaml": contract("design", "contractManager: ada", "softwareCoordinators: [grace, vera]",
			"products: [{name: cad, seats: 10}, {name: cloud}]"),
		"build.yaml":    contract("build", "contractManager: olu", "softwareCoordinators: [sam]", "products: [{name: bim, seats: 10}]"),
		"products.yaml": product("cad") + product("cloud") + product("bim"),
		"ada.yaml": user("ada", "signingKeys:", "  - "+signingKey("ada"), "  - "+signingKey("ada-old"),
			`  - 'valid-before="20261001" `+signingKey("ada-expired")+"'", `  - 'valid-after="20270101" `+signingKey("ada-early")+"'"),
		"grace.yaml": user("grace", signs("", "grace")),
		"vera.yaml":  user("vera", "suspended: true", signs("", "vera")),
		"olu.yaml":   user("olu", signs("", "olu")),
		"sam.yaml":   user("sam", signs("", "sam")),
		"bo.yaml":    user("bo", signs("", "bo"), "access: [cad]"),
		"eva.yaml":   user("eva", "access: [cad, bim]"),
		"team.yaml":  team("drawing", "members: [bo]", "access: [cloud]"),
	}
}

// with is a tree with some text replaced in one file, or a file added.
func (tr tree) with(path, old, new string) tree {
	edited := maps.Clone(tr)
	if old != "" && !strings.Contains(edited[path], old) {
		panic(fmt.Sprintf("%s has no %q", path, old))
	}
	if old == "" {
		edited[path] += new
	} else {
		edited[path] = strings.ReplaceAll(edited[path], old, new)
	}
	return edited
}

func (tr tree) without(path string) tree {
	edited := maps.Clone(tr)
	delete(edited, path)
	return edited
}

// rosters are the trees resolved so far: a matrix asks for the same ones often.
var rosters = map[string]*spec.Roster{}

// roster resolves a tree; nil where it is not valid.
func (tr tree) roster() *spec.Roster {
	content := fmt.Sprint(map[string]string(tr)) // sorted by path
	if r, known := rosters[content]; known {
		return r
	}
	var files []*spec.File
	var errs spec.Errors
	for _, path := range slices.Sorted(maps.Keys(tr)) {
		f, more := spec.Parse(path, []byte(tr[path]))
		files, errs = append(files, f), append(errs, more...)
	}
	r, more := spec.Resolve(files, day("2026-11-22"))
	if len(errs)+len(more) > 0 {
		r = nil
	}
	rosters[content] = r
	return r
}

// judgedAt is when histories of tests are judged.
var judgedAt = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// past is a history of commits under construction. What is applied is its first.
type past struct {
	base  tree
	steps []reconciler.Step
	trees map[string]tree
}

func newPast(base tree) *past {
	h := &past{base: base, trees: map[string]tree{}}
	h.add(reconciler.Step{Standing: reconciler.StandingApplied}, base)
	return h
}

// add appends a step on the given parents; without any, on the last one.
func (h *past) add(s reconciler.Step, tr tree, parents ...string) string {
	if len(parents) == 0 && len(h.steps) > 0 {
		parents = []string{h.last()}
	}
	sum := sha256.Sum256(fmt.Append(nil, len(h.steps)))
	s.ID, s.Parents = hex.EncodeToString(sum[:20]), parents
	if s.Subject == "" {
		s.Subject = fmt.Sprintf("step %d", len(h.steps))
	}
	if s.Committer.At.IsZero() {
		s.Committer.At = judgedAt.Add(time.Duration(len(h.steps)-100) * time.Minute)
	}
	if s.Roster = tr.roster(); s.Roster == nil && s.Subject != "broken" {
		panic("the tree of " + s.Subject + " is not valid")
	}
	h.steps = append(h.steps, s)
	h.trees[s.ID] = tr
	return s.ID
}

// commit appends what an actor commits.
func (h *past) commit(actor string, tr tree, parents ...string) string {
	return h.add(signedBy(actor), tr, parents...)
}

func (h *past) last() string { return h.steps[len(h.steps)-1].ID }

// judge judges the history, and checks that what is said of its changes agrees.
func (h *past) judge() (bool, []reconciler.Refusal) {
	r := reconciler.Review{Base: h.base.roster(), Steps: h.steps, Now: judgedAt}
	accepted, refusals := reconciler.Authority(r)
	judgements := r.Judgements(nil)
	if lacking := slices.ContainsFunc(judgements, func(j reconciler.Judgement) bool { return !j.Authorised }); accepted == lacking {
		panic(fmt.Sprintf("accepted %v, refusals %v, judgements %+v", accepted, refusals, judgements))
	}
	return accepted, refusals
}

// signedBy is a step with the signature of an actor: a person, or a person's
// trick.
func signedBy(actor string) reconciler.Step {
	var s reconciler.Step
	switch actor {
	case "unsigned":
		s.Signer.Problem = "not signed"
	case "forge for ada", "forge for bo":
		s.Forge, s.Signer = true, signer("forge")
		s.Author.Email = strings.ToUpper(strings.TrimPrefix(actor, "forge for ")) + "@acme.example"
	case "ada backdated":
		s.Signer, s.Committer.At = signer("ada"), judgedAt.Add(-72*time.Hour)
	case "ada in the future":
		s.Signer, s.Committer.At = signer("ada"), judgedAt.Add(72*time.Hour)
	case "ada expired and backdated":
		s.Signer, s.Committer.At = signer("ada-expired"), time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	default:
		s.Signer = signer(actor)
	}
	return s
}

func signer(key string) reconciler.Signer {
	pub, _, _, _, err := ssh.ParseAuthorizedKey([]byte(signingKey(key)))
	if err != nil {
		panic(err)
	}
	return reconciler.Signer{Key: signingKey(key), Fingerprint: ssh.FingerprintSHA256(pub)}
}

// actors of the matrix. What the ones in the second half sign does not count,
// though ada, whose keys they have, manages design.
var (
	actors = []string{"ada", "forge for ada", "grace", "olu", "sam", "bo", "forge for bo"}
	tricks = []string{
		"stranger", "vera", "ada-old", "ada-expired", "ada-early", "ada backdated", "ada in the future",
		"ada expired and backdated", "unsigned",
	}
)

// cells are the verdicts by actor, for each change: y may, - may not. The columns
// are those of actors: manager of design, the same by way of the forge,
// coordinator of design, manager of build, coordinator of build, end user twice.
var cells = []struct {
	change string
	may    string
	edit   func(tree) tree
}{
	{"add a user without access", "yyyyy--", func(tr tree) tree { return tr.with("noor.yaml", "", user("noor")) }},
	{"add a user with access", "yyy----", func(tr tree) tree { return tr.with("noor.yaml", "", user("noor", "access: [cad]")) }},
	{"add a user with access under both", "-------", func(tr tree) tree { return tr.with("noor.yaml", "", user("noor", "access: [cad, bim]")) }},
	{"remove a user", "yyy----", func(tr tree) tree { return tr.without("bo.yaml").with("team.yaml", "[bo]", "[]") }},
	{"remove a user with access under both", "-------", func(tr tree) tree { return tr.without("eva.yaml") }},
	{"names of a user", "yyy----", func(tr tree) tree { return tr.with("bo.yaml", "Lee", "Ek") }},
	{"names of a user with access under both", "yyyyy--", func(tr tree) tree { return tr.with("eva.yaml", "Lee", "Ek") }},
	{"names of a manager", "yyyyy--", func(tr tree) tree { return tr.with("ada.yaml", "lastName: Lee", "lastName: Ek") }},
	{"e-mail of a user", "yyy----", func(tr tree) tree { return tr.with("bo.yaml", "bo@", "bo.ek@") }},
	{"e-mail of a user with access under both", "-------", func(tr tree) tree { return tr.with("eva.yaml", "eva@", "eva.ek@") }},
	{"e-mail of a manager", "yy-----", func(tr tree) tree { return tr.with("ada.yaml", "ada@", "grace.too@") }},
	{"e-mail of a coordinator", "yy-----", func(tr tree) tree { return tr.with("grace.yaml", "grace@", "g@") }},
	{"key for a user", "yyy----", func(tr tree) tree { return tr.with("bo.yaml", signingKey("bo"), signingKey("bo-new")) }},
	{"key for a manager", "yy-----", func(tr tree) tree {
		return tr.with("ada.yaml", "signingKeys:\n", "signingKeys:\n    - "+signingKey("new")+"\n")
	}},
	{"key for a coordinator", "yy-----", func(tr tree) tree { return tr.with("grace.yaml", signingKey("grace"), signingKey("new")) }},
	{"suspend a user", "yyy----", func(tr tree) tree { return tr.with("bo.yaml", "access", "suspended: true\n  access") }},
	{"suspend a coordinator", "yy-----", func(tr tree) tree { return tr.with("grace.yaml", "signing", "suspended: true\n  signing") }},
	{"restore a coordinator", "yy-----", func(tr tree) tree { return tr.with("vera.yaml", "suspended: true", "suspended: false") }},
	{"rename a user", "yyy----", func(tr tree) tree {
		return tr.with("bo.yaml", "name: bo}", "name: bob}").with("bo.yaml", "access:", "previously: [bo]\n  access:").with("team.yaml", "[bo]", "[bob]")
	}},
	{"rename a coordinator", "yy-----", func(tr tree) tree {
		return tr.with("grace.yaml", "name: grace}", "name: gray}").with("grace.yaml", "signing", "previously: [grace]\n  signing").
			with("design.yaml", "[grace,", "[gray,")
	}},
	{"grant access", "yyy----", func(tr tree) tree { return tr.with("eva.yaml", "[cad, bim]", "[cad, bim, cloud]") }},
	{"access that a team gives already", "yyy----", func(tr tree) tree { return tr.with("bo.yaml", "[cad]", "[cad, cloud]") }},
	{"grant access under the other contract", "---yy--", func(tr tree) tree { return tr.with("bo.yaml", "[cad]", "[cad, bim]") }},
	{"alter access", "yyy----", func(tr tree) tree { return tr.with("bo.yaml", "[cad]", "[{product: cad, until: 2027-01-31}]") }},
	{"revoke access", "yyy----", func(tr tree) tree { return tr.with("bo.yaml", "[cad]", "[]") }},
	{"access of a manager", "yyy----", func(tr tree) tree { return tr.with("ada.yaml", "signingKeys", "access: [cad]\n  signingKeys") }},
	{"join a team", "yyy----", func(tr tree) tree { return tr.with("team.yaml", "[bo]", "[bo, eva]") }},
	{"what a team gives", "yyy----", func(tr tree) tree { return tr.with("team.yaml", "[cloud]", "[cloud, cad]") }},
	{"what a team gives, under the other contract", "---yy--", func(tr tree) tree { return tr.with("team.yaml", "[cloud]", "[cloud, bim]") }},
	{"a team that gives nothing", "yyyyy--", func(tr tree) tree { return tr.with("new.yaml", "", team("new", "members: [bo]")) }},
	{"coordinator", "yy-----", func(tr tree) tree { return tr.with("design.yaml", "[grace,", "[bo, grace,") }},
	{"no coordinator any more", "yy-----", func(tr tree) tree { return tr.with("design.yaml", "[grace,", "[") }},
	{"manager", "yy-----", func(tr tree) tree { return tr.with("design.yaml", "contractManager: ada", "contractManager: grace") }},
	{"seats", "yy-----", func(tr tree) tree { return tr.with("design.yaml", "seats: 10", "seats: 20") }},
	{"support address", "yy-----", func(tr tree) tree {
		return tr.with("design.yaml", "products:", "supportEmail: s@acme.example\n  products:")
	}},
	{"offer", "yy-----", func(tr tree) tree {
		return tr.with("design.yaml", "{name: cloud}", "{name: cloud}, {name: bim}").
			with("eva.yaml", "bim", "{product: bim, contract: build}")
	}},
	{"new contract", "yy-y---", func(tr tree) tree {
		return tr.with("new.yaml", "", contract("new", "contractManager: bo", "products: [{name: plot}]")+product("plot"))
	}},
	{"new contract, with access", "yy-y---", func(tr tree) tree {
		return tr.with("new.yaml", "", contract("new", "contractManager: bo", "products: [{name: plot}]")+product("plot")+user("noor", "access: [plot]"))
	}},
	{"contract withdrawn", "---y---", func(tr tree) tree { return tr.without("build.yaml").with("eva.yaml", ", bim", "") }},
	{"product", "yyy----", func(tr tree) tree {
		return tr.with("products.yaml", "name: cad}\n", "name: cad}\nspec: {title: CAD}\n")
	}},
	{"product of the other contract", "---yy--", func(tr tree) tree {
		return tr.with("products.yaml", "name: bim}\n", "name: bim}\nspec: {title: BIM}\n")
	}},
	{"product that nobody offers", "yyyyy--", func(tr tree) tree { return tr.with("products.yaml", "", product("plot")) }},
	{"access that moves to the other contract", "-------", func(tr tree) tree {
		return tr.with("bo.yaml", "[cad]", "[bim]")
	}},
	{"no manifest that says otherwise", "yyyyyyy", func(tr tree) tree { return tr.with("bo.yaml", "", "# a comment\n") }},
}

// shapes of a history in which an actor makes a change. Each returns the history;
// undone says that nothing of it is left in the end.
var shapes = []struct {
	name   string
	undone bool
	build  func(base tree, actor string, edit func(tree) tree) *past
}{
	{"commit", false, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(base)
		h.commit(actor, edit(base))
		return h
	}},
	{"merge", false, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(base)
		applied := h.last()
		main := h.commit("olu", mainMoves(base))
		branch := h.commit(actor, edit(base), applied)
		h.commit("unsigned", edit(mainMoves(base)), main, branch)
		return h
	}},
	{"merge the other way round", false, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(base)
		applied := h.last()
		branch := h.commit(actor, edit(base))
		main := h.commit("olu", mainMoves(base), applied)
		h.commit("bo", edit(mainMoves(base)), branch, main)
		return h
	}},
	{"merge of a branch from before", false, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(mainMoves(base))
		earlier := h.add(reconciler.Step{Standing: reconciler.StandingEarlier}, base, "gone")
		branch := h.commit(actor, edit(base), earlier)
		h.commit("unsigned", edit(mainMoves(base)), h.steps[0].ID, branch)
		return h
	}},
	{"squash", false, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(base)
		s := signedBy(actor)
		if s.Author.Email == "" {
			s.Author.Email = "ada@acme.example" // whose branch it was; nothing proves it
		}
		h.add(s, edit(base.with("bo.yaml", "", "# squashed\n")))
		return h
	}},
	{"rebase", false, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(base)
		h.commit("olu", mainMoves(base))
		s := signedBy(actor)
		if s.Author.Email == "" {
			s.Author.Email, s.Author.At = "ada@acme.example", judgedAt.Add(-500*time.Hour)
		}
		h.add(s, edit(mainMoves(base)))
		return h
	}},
	{"force push", false, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(base)
		earlier := h.add(reconciler.Step{Standing: reconciler.StandingEarlier}, base, "gone")
		h.commit(actor, edit(base), earlier)
		return h
	}},
	{"revert of a bad commit", true, func(base tree, actor string, edit func(tree) tree) *past {
		h := newPast(base)
		h.commit("stranger", edit(base))
		h.commit(actor, base)
		return h
	}},
}

// mainMoves is what happens on the main line meanwhile; olu may do that.
func mainMoves(tr tree) tree { return tr.with("build.yaml", "seats: 10", "seats: 12") }

// Who may change what, in whatever shape the change comes (DOMAIN.md rows 4, 6,
// 7 and 8, "Authority").
func TestMatrixOfAuthority(t *testing.T) {
	judged := 0
	for _, c := range cells {
		for n, actor := range append(slices.Clone(actors), tricks...) {
			may := n < len(actors) && c.may[n] == 'y'
			for _, shape := range shapes {
				base := designAndBuild()
				want := may || shape.undone || c.change == "no manifest that says otherwise"
				h := shape.build(base, actor, c.edit)
				if actor == "ada-old" && shape.name != "merge of a branch from before" && shape.name != "force push" {
					h = afterwards(h)
				} else if actor == "ada-old" {
					continue // her key was taken in a commit that these do not build on: see below
				}
				got, refusals := h.judge()
				if got != want || got != (len(refusals) == 0) {
					t.Errorf("%s: %s in a %s: accepted %v, want %v; %v", actor, c.change, shape.name, got, want, refusals)
				}
				judged++
			}
		}
	}
	t.Logf("%d cells", judged)
}

// afterwards puts a commit of ada in front of a history, which takes one of her
// keys away.
func afterwards(h *past) *past {
	take := func(tr tree) tree { return tr.with("ada.yaml", "    - "+signingKey("ada-old")+"\n", "") }
	first := newPast(h.base)
	ids := map[string]string{h.steps[0].ID: first.commit("ada", take(h.base))}
	for _, s := range h.steps[1:] {
		parents := make([]string, len(s.Parents))
		for i, id := range s.Parents {
			parents[i] = ids[id]
		}
		tr := take(h.trees[s.ID])
		s.Subject = ""
		ids[s.ID] = first.add(s, tr, parents...)
	}
	return first
}
