package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"usher/reconciler"
	"usher/state"
)

// CommentMarker is the first line of a plan in Markdown. Whoever posts it finds the
// comment again by that, to replace it instead of adding one.
const CommentMarker = "<!-- usher plan -->"

// markdownLimit is how many bytes a plan in Markdown may have. GitHub takes 65,536
// characters in a comment, other forges more; some is left for what a workflow adds.
const markdownLimit = 60_000

// planMarkdown writes the plan as a comment of a pull request: what a reviewer must
// know stands open, the rest is folded. Every list is cut to about the most rows with
// which the whole stays below markdownLimit; what is cut is counted.
func planMarkdown(w io.Writer, p *reconciler.Plan, o Options) error {
	list := people(p)
	slices.SortStableFunc(list, func(a, b *person) int { return cmp.Compare(a.weight(), b.weight()) })
	text := ""
	for rows := 1000; rows > 0; rows = rows * 4 / 5 {
		m := &comment{rows: rows, command: o.Command}
		m.plan(p, list)
		if text = m.String(); len(text) <= markdownLimit {
			return write(w, text)
		}
	}
	m := &comment{command: o.Command}
	m.heading(p, list)
	m.foot(p)
	return write(w, m.String())
}

func (m *comment) plan(p *reconciler.Plan, list []*person) {
	m.heading(p, list)
	m.held(p)
	m.people(list)
	m.seats(p)
	m.authority(p)
	m.objects(p)
	m.messages(p)
	m.origins(list)
	m.notes(p)
	m.foot(p)
}

// heading says in a sentence what happens, and in the words of every other form
// below it.
func (m *comment) heading(p *reconciler.Plan, list []*person) {
	m.WriteString(CommentMarker + "\n### usher: " + sentence(p, list) + "\n\n" + escape(Summary(p)) + "\n")
}

// sentence is "2 people come, 1 goes, 4 change; 3 messages; held".
func sentence(p *reconciler.Plan, list []*person) string {
	if p.Empty() {
		return "no changes"
	}
	var parts, who []string
	for _, g := range []struct{ sign, one, many string }{{"+", "comes", "come"}, {"-", "goes", "go"}, {"~", "changes", "change"}} {
		n := 0
		for _, one := range list {
			if one.sign() == g.sign {
				n++
			}
		}
		switch {
		case n == 0:
		case len(who) == 0:
			who = append(who, Count(n, "person "+g.one, "people "+g.many))
		default:
			who = append(who, Count(n, g.one, g.many))
		}
	}
	if len(who) > 0 {
		parts = append(parts, strings.Join(who, ", "))
	} else {
		parts = append(parts, "nobody's access changes")
	}
	if len(p.Mail) > 0 {
		parts = append(parts, Count(len(p.Mail), "message", "messages"))
	}
	if len(p.Held) > 0 && !p.Approved {
		parts = append(parts, "held")
	}
	return strings.Join(parts, "; ")
}

func (m *comment) foot(p *reconciler.Plan) {
	foot := "plan " + code(p.ID)
	switch {
	case p.Base != nil && p.Base.Commit == "":
		foot += ", compared with nothing"
	case p.Base != nil:
		foot += ", compared with " + p.Base.Commit + " of " + code(p.Base.Ref)
	case p.Basis > 0:
		foot += fmt.Sprintf(", on revision %d", p.Basis)
	default:
		foot += ", nothing applied so far"
	}
	if p.Revision.Commit != "" {
		foot += ", commit " + p.Revision.Commit // forges link what stands in no code
	}
	m.WriteString("\n<sub>" + foot + "</sub>\n")
}

func (m *comment) held(p *reconciler.Plan) {
	if len(p.Held) == 0 {
		return
	}
	m.WriteString("\n> [!WARNING]\n> " + heldWords(p) + "\n>\n")
	shown, rest := m.cut(len(p.Held), min(m.rows, foldHeld), "rule", "rules")
	for _, h := range p.Held[:shown] {
		m.WriteString("> - " + escape(h.Message) + "\n")
	}
	if rest != "" {
		m.WriteString("> - " + rest + "\n")
	}
	if p.Approved {
		return
	}
	ways := releases(withoutAuthority(p))
	shown, rest = m.cut(len(ways), min(m.rows, foldHeld), "way", "ways")
	for _, release := range ways[:shown] {
		m.WriteString(">\n> To let it through: " + releaseMarkdown(release) + "\n")
	}
	if rest != "" {
		m.WriteString(">\n> " + rest + "\n")
	}
}

// withoutAuthority is a plan without what holds it for want of a right, where a part
// of its own says what supplies that.
func withoutAuthority(p *reconciler.Plan) *reconciler.Plan {
	if len(p.Authority) == 0 {
		return p
	}
	short := *p
	short.Held = slices.DeleteFunc(slices.Clone(p.Held), func(h state.HeldRule) bool { return h.Rule == "authority" })
	return &short
}

// releaseMarkdown is a command to be copied, or words.
func releaseMarkdown(release string) string {
	if strings.HasPrefix(release, "usher ") {
		return code(release)
	}
	return escape(release)
}

// people stand open where they are few. Of many, only those who lose something do,
// if they are few, and access is counted by product.
func (m *comment) people(list []*person) {
	if len(list) <= openRows {
		m.persons("People", list)
		return
	}
	m.offers(list)
	losing := 0
	for losing < len(list) && list[losing].weight() <= weightLoss {
		losing++
	}
	m.persons("Who goes or loses something", list[:losing])
	if rest := list[losing:]; len(rest) > 0 {
		m.details("Who comes or changes: "+Count(len(rest), "person", "people"), func() { m.table(personRows(rest)) })
	}
}

func (m *comment) persons(heading string, list []*person) { m.folded(heading, personRows(list)) }

func personRows(list []*person) rows {
	return rows{[]string{"", "person", "gains", "loses", "changes"}, len(list), func(i int) []string {
		gains, loses, other := list[i].cells()
		return []string{list[i].sign(), list[i].markdown(), gains, loses, other}
	}, "person", "people"}
}

// offers counts access by product, for plans that nobody reads person by person.
func (m *comment) offers(list []*person) {
	offers := byOffer(list)
	m.folded("Access", rows{[]string{"product", "contract", "people"}, len(offers), func(i int) []string {
		return []string{code(offers[i].product), code(offers[i].contract), tally(offers[i].bySign)}
	}, "product", "products"})
}

// What a person's changes weigh; up to weightLoss they take something away.
const (
	weightGone = iota
	weightSteward
	weightLoss
	weightRole
	weightChange
	weightNew
)

// weight puts first who loses most, so that no cut hides it.
func (one *person) weight() int {
	loses := func(c reconciler.Change) bool { return signOf(c.Action) == "-" || c.Action == reconciler.Suspend }
	switch {
	case one.sign() == "-":
		return weightGone
	case slices.ContainsFunc(one.roles, loses):
		return weightSteward
	case slices.ContainsFunc(one.self, loses), slices.ContainsFunc(one.access, loses):
		return weightLoss
	case len(one.roles) > 0:
		return weightRole
	case one.sign() == "~":
		return weightChange
	}
	return weightNew
}

func (one *person) markdown() string {
	cell := code(one.subject)
	if one.name != "" {
		cell = escape(one.name) + " " + cell
	}
	return cell
}

// cells is what the person gains, loses, and what else changes about them.
func (one *person) cells() (gains, loses, other string) {
	var plus, minus, rest []string
	for _, c := range append(append([]reconciler.Change{}, one.roles...), one.access...) {
		text := changeMarkdown(c)
		switch signOf(c.Action) {
		case "+":
			plus = append(plus, text)
		case "-":
			minus = append(minus, text)
		default:
			rest = append(rest, text)
		}
	}
	switch life := one.life(); {
	case one.sign() == "-":
		minus = append([]string{"the account"}, minus...)
	case life != "":
		rest = append(rest, escape(life))
	case one.sign() == "+":
		plus = append([]string{"an account"}, plus...)
	}
	for _, f := range one.fields() {
		rest = append(rest, escape(f))
	}
	return cellList(plus), cellList(minus), cellList(rest)
}

// foldCell is how many lines one cell may have.
const foldCell = 12

func cellList(lines []string) string {
	if left := len(lines) - foldCell; left > 0 {
		lines = append(lines[:foldCell:foldCell], fmt.Sprintf("… and %d more", left))
	}
	return strings.Join(lines, "<br>")
}

func changeMarkdown(c reconciler.Change) string {
	if c.Kind == reconciler.KindRole {
		return escape(roleName(c.Role)) + " of " + code(c.Contract)
	}
	text := code(c.Product) + " under " + code(c.Contract)
	if span := days(c); span != "" {
		text += " " + escape(span)
	}
	return text
}

// origins lists the manifest lines behind each person's changes.
func (m *comment) origins(list []*person) {
	list = slices.DeleteFunc(slices.Clone(list), func(one *person) bool { return len(one.places()) == 0 })
	if len(list) == 0 {
		return
	}
	m.details("Where it comes from", func() {
		m.list(len(list), (m.rows+1)/2, func(i int) string {
			return code(list[i].subject) + ": " + strings.ReplaceAll(cellList(list[i].places()), "<br>", ", ")
		}, "person", "people")
	})
}

// places are the manifest lines behind what changes about somebody, distinct and
// sorted.
func (one *person) places() []string {
	var places []string
	for _, changes := range [][]reconciler.Change{one.self, one.roles, one.access} {
		for _, c := range changes {
			for _, o := range c.Because {
				places = append(places, code(Place(o)))
			}
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

func (m *comment) seats(p *reconciler.Plan) {
	m.folded("Seats", rows{[]string{"product", "contract", "seats"}, len(p.Seats), func(i int) []string {
		return []string{code(p.Seats[i].Product), code(p.Seats[i].Contract), seatWords(p.Seats[i])}
	}, "product", "products"})
}

func (m *comment) objects(p *reconciler.Plan) {
	var list []reconciler.Change
	for _, kind := range []reconciler.Kind{reconciler.KindContract, reconciler.KindProduct, reconciler.KindTeam} {
		list = append(list, ofKind(p, kind)...)
	}
	m.folded("Contracts, products and teams", rows{[]string{"", "kind", "name", "values"}, len(list), func(i int) []string {
		var fields []string
		for _, text := range objectValues(list[i], foldElements) {
			fields = append(fields, escape(text))
		}
		return []string{signOf(list[i].Action), string(list[i].Kind), code(list[i].Subject), cellList(fields)}
	}, "change", "changes"})
}

func (m *comment) messages(p *reconciler.Plan) {
	if len(p.Mail) == 0 {
		return
	}
	m.details(mailCounts(p.Mail), func() {
		m.table(rows{[]string{"kind", "to", "subject"}, len(p.Mail), func(i int) []string {
			return []string{escape(string(p.Mail[i].Kind)), code(p.Mail[i].To), escape(p.Mail[i].Subject)}
		}, "message", "messages"})
	})
}

func (m *comment) notes(p *reconciler.Plan) {
	if len(p.Notes) == 0 {
		return
	}
	write := func() {
		m.list(len(p.Notes), m.rows, func(i int) string { return escape(noteText(p.Notes[i])) }, "note", "notes")
	}
	if len(p.Notes) > openRows {
		m.details(Count(len(p.Notes), "note", "notes"), write)
		return
	}
	m.WriteString("\nNotes:\n")
	write()
}
