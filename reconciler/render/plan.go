package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"usher/reconciler"
	"usher/spec"
)

// Plan writes the plan in one of [PlanFormats].
func Plan(w io.Writer, p *reconciler.Plan, f Format, o Options) error {
	switch f {
	case JSON:
		return PlanJSON(w, p)
	case Markdown:
		return planMarkdown(w, p, o)
	case GitHub:
		return write(w, planGitHub(p, Tree{Path: o.Top}))
	case Text:
		return write(w, planText(p, o))
	}
	return fmt.Errorf("%w %q for a plan: use one of %s", ErrFormat, f, PlanFormats)
}

// PlanJSON writes the plan as `usher plan -o json` does: the fields of
// [reconciler.Plan], lists never null.
func PlanJSON(w io.Writer, p *reconciler.Plan) error {
	whole := Whole(p)
	return writeJSON(w, &whole)
}

// Whole is the plan with lists that are empty where they were nil.
func Whole(p *reconciler.Plan) reconciler.Plan {
	whole := *p
	whole.Changes = orEmpty(p.Changes)
	whole.Seats = orEmpty(p.Seats)
	whole.Mail = orEmpty(p.Mail)
	whole.Held = orEmpty(p.Held)
	whole.Notes = orEmpty(p.Notes)
	return whole
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// writeJSON writes v indented, characters as they are, with a final newline.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func write(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

// Where lists are folded unless everything is asked for.
const (
	foldPeople   = 120 // lines about people told one by one, with all their changes
	foldBrief    = 50  // people told on a line each
	foldNamed    = 10  // people still named, of each sign, where there are more
	foldObjects  = 30  // contracts, products and teams
	foldSeats    = 40
	foldMessages = 12
	foldNotes    = 20
	foldHeld     = 20
)

// page collects the lines of a text.
type page struct {
	strings.Builder
	painter
	full  bool
	flags string
}

func (t *page) line(s string) { t.WriteString(s); t.WriteByte('\n') }

// section begins a part with its heading, an empty line before it.
func (t *page) section(heading string) {
	if t.Len() > 0 {
		t.line("")
	}
	t.line(t.title(heading))
}

// limit is how many of n are listed where lists are folded above most.
func (t *page) limit(n, most int) int {
	if t.full || n <= most {
		return n
	}
	return most
}

// rest says how many were left out, if any were.
func (t *page) rest(indent string, left int, one, many string) {
	if left > 0 {
		t.line(indent + t.dim("… and "+more(left, one, many)+"; --full lists them"))
	}
}

// more is "1 more message", "28 more messages".
func more(n int, one, many string) string {
	_, word, _ := strings.Cut(Count(n, one, many), " ")
	return fmt.Sprintf("%d more %s", n, word)
}

func planText(p *reconciler.Plan, o Options) string {
	t := &page{painter: painter{o.Color}, full: o.Full, flags: o.Flags}
	if !p.Empty() {
		t.line(t.heading(p))
		t.people(p)
		t.objects(p)
		t.seats(p)
		t.messages(p)
	}
	t.authority(p)
	t.notes(p)
	t.held(p)
	if t.Len() > 0 {
		t.line("")
	}
	t.line(t.title(Summary(p)))
	return t.String()
}

// heading is "Plan sha256:1f2e3d4c5b6a, from examples/acme, on revision 7".
func (t *page) heading(p *reconciler.Plan) string {
	parts := []string{t.title("Plan " + ShortID(p.ID))}
	switch {
	case p.Revision.Commit != "":
		parts = append(parts, "from commit "+p.Revision.Commit)
	case p.Revision.Path != "":
		parts = append(parts, "from "+p.Revision.Path)
	}
	switch {
	case p.Base != nil && p.Base.Commit == "":
		parts = append(parts, "compared with nothing")
	case p.Base != nil:
		parts = append(parts, "compared with commit "+p.Base.Commit)
	case p.Basis == 0:
		parts = append(parts, "nothing applied so far")
	default:
		parts = append(parts, fmt.Sprintf("on revision %d", p.Basis))
	}
	if p.Adopt {
		parts = append(parts, "new people adopted: active from the start, no message")
	}
	return strings.Join(parts, ", ")
}

// ShortID is enough of a plan's id for a person to type: "sha256:" and twelve
// hexadecimal digits.
func ShortID(id string) string {
	if end := len("sha256:") + 12; len(id) > end {
		return id[:end]
	}
	return id
}

func (t *page) people(p *reconciler.Plan) {
	list := people(p)
	if len(list) == 0 {
		return
	}
	t.section("People")
	lines := 0
	for _, one := range list {
		lines += 1 + len(one.fields()) + len(one.roles) + len(one.access)
	}
	if lines > foldPeople && !t.full {
		t.folded(list)
		return
	}
	for _, one := range list {
		t.person(one)
	}
}

func (t *page) person(one *person) {
	sign := one.sign()
	head := "  " + t.sign(sign, sign+" "+one.label())
	if life := one.life(); life != "" {
		head += "  " + t.sign("~", life)
	}
	t.line(head + t.origins(one.because()))
	for _, f := range one.fields() {
		t.line("      " + f)
	}
	for _, c := range one.roles {
		sign := signOf(c.Action)
		t.line("      " + t.sign(sign, sign+" "+roleName(c.Role)+" of "+c.Contract) + t.origins(c.Because))
	}
	t.access(one.access)
}

// access aligns one person's grants below each other.
func (t *page) access(changes []reconciler.Change) {
	rows := make([][]string, len(changes))
	for i, c := range changes {
		rows[i] = []string{signOf(c.Action) + " " + c.Product, "under " + c.Contract, days(c)}
	}
	for i, line := range aligned(columns("", rows)) {
		t.line("      " + t.sign(signOf(changes[i].Action), line) + t.origins(changes[i].Because))
	}
}

// origins is "   people/ada.yaml:4:5 via team x (and 2 more)", or nothing.
func (t *page) origins(list []spec.Origin) string {
	if len(list) == 0 {
		return ""
	}
	if t.full {
		places := make([]string, len(list))
		for i, o := range list {
			places[i] = Place(o)
		}
		return "   " + t.dim(strings.Join(places, ", "))
	}
	text := Place(list[0])
	if more := len(list) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return "   " + t.dim(text)
}

// Place is an origin in words: "teams/x.yaml:6:12 via team x".
func Place(o spec.Origin) string {
	text := o.File
	if o.Line > 0 {
		text = fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column)
	}
	if o.Via != "" {
		text += " via " + o.Via
	}
	return text
}

// group is one sign's share of a folded plan.
type group struct {
	sign, words string
}

var groups = []group{{"+", "to add"}, {"~", "to change"}, {"-", "to remove"}}

// folded names the first of each group, counts the rest, and counts access by
// product: what remains readable of a plan for thousands.
func (t *page) folded(list []*person) {
	most := foldNamed
	if len(list) <= foldBrief {
		most = foldBrief
	}
	for _, g := range groups {
		var those []*person
		for _, one := range list {
			if one.sign() == g.sign {
				those = append(those, one)
			}
		}
		if len(those) > 0 {
			t.group(g, those, most)
		}
	}
	t.line("  " + t.dim("--full lists every person with each change"))
	t.offers(list)
}

func (t *page) group(g group, those []*person, most int) {
	t.line("  " + t.sign(g.sign, g.sign+" "+Count(len(those), "person", "people")+" "+g.words))
	named := min(len(those), most)
	rows := make([][]string, named)
	for i, one := range those[:named] {
		rows[i] = []string{one.label(), one.brief()}
	}
	for _, line := range columns("      ", rows) {
		t.line(line)
	}
	if left := len(those) - named; left > 0 {
		t.line("      " + t.dim(fmt.Sprintf("… and %d more", left)))
	}
}

// brief is a person's changes on one line: "invited again, contract manager of
// acme, + autocad, revit".
func (one *person) brief() string {
	var parts []string
	if life := one.life(); life != "" {
		parts = append(parts, life)
	}
	if one.sign() == "~" {
		parts = append(parts, one.fields()...)
	}
	for _, c := range one.roles {
		parts = append(parts, signOf(c.Action)+" "+roleName(c.Role)+" of "+c.Contract)
	}
	for _, sign := range signs {
		if names := products(one.access, sign); names != "" {
			parts = append(parts, names)
		}
	}
	return strings.Join(parts, ", ")
}

// signs in the order in which they are shown.
var signs = []string{"+", "~", "-"}

// foldProducts is how many products a line about one person names.
const foldProducts = 5

// products is "+ autocad, revit and 2 more" of the changes with that sign.
func products(changes []reconciler.Change, sign string) string {
	var names []string
	for _, c := range changes {
		if signOf(c.Action) == sign {
			names = append(names, c.Product)
		}
	}
	switch left := len(names) - foldProducts; {
	case len(names) == 0:
		return ""
	case left > 0:
		return fmt.Sprintf("%s %s and %d more", sign, strings.Join(names[:foldProducts], ", "), left)
	}
	return sign + " " + strings.Join(names, ", ")
}

// tally writes counts by sign: "+3 ~1 -2".
func tally(counts map[string]int) string {
	var parts []string
	for _, sign := range signs {
		if n := counts[sign]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s%d", sign, n))
		}
	}
	return strings.Join(parts, " ")
}
