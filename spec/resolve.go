package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Resolve reads all files of a tree together and returns the roster they ask
// for, with the guarantees that [Roster] states; or every error there is, and a
// roster that must not be used. It is a pure function: the order of the files
// does not matter. Seats are counted from today on, unless some file has errors
// of its own: then who holds what is not certain.
func Resolve(files []*File, today Day) (*Roster, Errors) {
	r := newResolver(files)
	r.declareProducts()
	r.declareUsers()
	r.declareContracts()
	r.declareTeams()
	r.resolveAccess()
	if !slices.ContainsFunc(files, func(f *File) bool { return f.flawed }) {
		r.checkSeats(today)
	}
	roster := r.roster // alone: the resolver holds on to all that was parsed
	return &roster, r.errs.Sort()
}

// resolver gathers the roster and what is wrong with it.
type resolver struct {
	files     []*File
	roster    Roster
	users     []declaredUser       // in the order of roster.Users
	teams     []declaredTeam       // in the order of roster.Teams
	offering  map[string][]string  // product -> contracts that offer it, sorted
	memberOf  map[string][]teamVia // user -> teams they belong to, directly or not
	byVia     map[teamVia][]Grant  // what a membership gives: see teamGrants
	renamed   map[string]string    // earlier name -> name
	byEmail   map[string]string    // folded e-mail -> name
	userNames []string             // sorted
	guesses   int                  // names compared so far: see maxGuesses
	partial   bool                 // some document could not be read
	errs      Errors
}

func newResolver(files []*File) *resolver {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })
	return &resolver{
		files:    files,
		partial:  slices.ContainsFunc(files, func(f *File) bool { return f.partial }),
		offering: map[string][]string{},
		memberOf: map[string][]teamVia{},
		byVia:    map[teamVia][]Grant{},
		renamed:  map[string]string{},
	}
}

// fail records an error at an origin and returns it for a hint.
func (r *resolver) fail(at Origin, code, subject, format string, args ...any) *Error {
	e := &Error{
		File: at.File, Line: int(at.Line), Column: int(at.Column),
		Code: code, Subject: legible(subject), Reason: legible(fmt.Sprintf(format, args...)),
	}
	r.errs = append(r.errs, e)
	return e
}

// at is the origin of a text of a file.
func (t text) at(file string) Origin { return Origin{File: file, Line: t.Line, Column: t.Column} }

// String writes an origin as file:line:column.
func (o Origin) String() string { return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column) }

// unique sorts what was declared by name and reports all but the first of each
// name, first by place. It returns the ones kept; what has no name has been
// reported by Parse and is dropped.
func unique[T any](r *resolver, kind string, all []T, key func(*T) (name string, at Origin)) []T {
	slices.SortFunc(all, func(a, b T) int {
		nameA, atA := key(&a)
		nameB, atB := key(&b)
		if c := strings.Compare(nameA, nameB); c != 0 {
			return c
		}
		return CompareOrigins(atA, atB)
	})
	kept := all[:0]
	for i := range all {
		name, at := key(&all[i])
		if name == "" {
			continue
		}
		if n := len(kept); n > 0 {
			if first, firstAt := key(&kept[n-1]); first == name {
				r.fail(at, "duplicate-name", kind+" "+name, "declared twice, first at %s", firstAt).
					hint("remove one, or give it another metadata.name")
				continue
			}
		}
		kept = append(kept, all[i])
	}
	return kept
}

// maxGuesses bounds the names that Resolve compares to say "did you mean". One
// comparison takes about a microsecond, and a directory that is gone leaves
// every reference into it unknown.
const maxGuesses = 300_000

// unknown reports a name that nothing declares, with the nearest that exists.
// While some document cannot be read it may be declared there: then there is
// nothing to report.
func (r *resolver) unknown(at Origin, code, subject, kind, name string, known []string) {
	if r.partial {
		return
	}
	if reason, _ := checkResourceName(name); reason != "" {
		return // reported by Parse
	}
	e := r.fail(at, code, subject, "there is no %s %q", kind, name)
	if r.guesses += len(known); r.guesses > maxGuesses {
		return
	}
	if near := Nearest(name, known); near != "" {
		e.hint(fmt.Sprintf("did you mean %s?", near))
	}
}

// unknownUser reports a user that nothing declares, and says where the name was
// once somebody's, or is somebody's e-mail.
func (r *resolver) unknownUser(at Origin, subject, name string) {
	now, renamed := r.renamed[name]
	owner := r.byEmail[FoldEmail(name)]
	switch {
	case r.partial:
	case renamed:
		r.fail(at, "unknown-user", subject, "there is no user %q any more", name).hint("now named " + now)
	case owner != "" && owner != FoldEmail(name):
		r.fail(at, "unknown-user", subject, "there is no user %q", name).hint("people are named by metadata.name: " + owner)
	default:
		r.unknown(at, "unknown-user", subject, "user", name, r.userNames)
	}
}

func names[T any, P named[T]](sorted []T) []string {
	list := make([]string, len(sorted))
	for i := range sorted {
		list[i] = P(&sorted[i]).name()
	}
	return list
}
