package render

import (
	"fmt"
	"io"
	"strings"

	"usher/reconciler"
)

// markdownLimit is how many bytes a plan in Markdown may have: GitHub takes
// 65,536 characters in a comment.
const markdownLimit = 65_000

// planMarkdown writes the plan as a comment of a pull request. Every list is
// cut to the same number of rows, about the most with which the whole stays
// below markdownLimit; what is cut is counted.
func planMarkdown(w io.Writer, p *reconciler.Plan) error {
	list := people(p)
	text := ""
	for rows := 400; rows > 0; rows = rows * 4 / 5 {
		if text = markdown(p, list, rows); len(text) <= markdownLimit {
			return write(w, text)
		}
	}
	return write(w, headlineMarkdown(p)+footMarkdown(p))
}

func markdown(p *reconciler.Plan, list []*person, rows int) string {
	m := &comment{rows: rows}
	m.WriteString(headlineMarkdown(p))
	m.held(p)
	m.people(list)
	m.seats(p)
	m.objects(p)
	m.messages(p)
	m.notes(p)
	m.WriteString(footMarkdown(p))
	return m.String()
}

func headlineMarkdown(p *reconciler.Plan) string {
	return "### usher\n\n" + escape(Summary(p)) + "\n"
}

func footMarkdown(p *reconciler.Plan) string {
	basis := "nothing applied so far"
	if p.Basis > 0 {
		basis = fmt.Sprintf("on revision %d", p.Basis)
	}
	foot := "plan " + code(p.ID) + ", " + basis
	if p.Revision.Commit != "" {
		foot += ", commit " + code(p.Revision.Commit)
	}
	return "\n<sub>" + foot + "</sub>\n"
}

// comment collects Markdown; no list has more than rows rows.
type comment struct {
	strings.Builder
	rows int
}

func (m *comment) table(heads []string, rows [][]string, one, many string) {
	shown := min(len(rows), m.rows)
	m.WriteString("\n| " + strings.Join(heads, " | ") + " |\n" + strings.Repeat("| --- ", len(heads)) + "|\n")
	for _, row := range rows[:shown] {
		m.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	if left := len(rows) - shown; left > 0 {
		m.WriteString("\n… and " + Count(left, one, many) + " more.\n")
	}
}

// details folds what write adds below a summary.
func (m *comment) details(summary string, write func()) {
	m.WriteString("\n<details><summary>" + escape(summary) + "</summary>\n")
	write()
	m.WriteString("\n</details>\n")
}

func (m *comment) held(p *reconciler.Plan) {
	if len(p.Held) == 0 {
		return
	}
	m.WriteString("\n> [!WARNING]\n> " + heldWords(p) + "\n>\n")
	shown := min(len(p.Held), m.rows)
	for _, h := range p.Held[:shown] {
		m.WriteString("> - " + escape(h.Message) + "\n")
	}
	if left := len(p.Held) - shown; left > 0 {
		m.WriteString("> - … and " + more(left, "rule", "rules") + "\n")
	}
	if p.Approved {
		return
	}
	for _, release := range releases(p) {
		m.WriteString(">\n> To let it through: " + code(release) + "\n")
	}
}

func (m *comment) people(list []*person) {
	if len(list) == 0 {
		return
	}
	rows := make([][]string, len(list))
	for i, one := range list {
		gains, loses, other := one.cells()
		rows[i] = []string{one.sign(), one.markdown(), gains, loses, other}
	}
	m.table([]string{"", "person", "gains", "loses", "changes"}, rows, "person", "people")
	m.details("Where it comes from", func() { m.origins(list) })
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
	if life := one.life(); life != "" {
		rest = append(rest, escape(life))
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
	m.WriteString("\n")
	shown := min(len(list), m.rows)
	for _, one := range list[:shown] {
		var places []string
		for _, changes := range [][]reconciler.Change{one.self, one.roles, one.access} {
			for _, c := range changes {
				for _, o := range c.Because {
					places = append(places, code(Place(o)))
				}
			}
		}
		if len(places) > 0 {
			m.WriteString("- " + code(one.subject) + ": " + strings.ReplaceAll(cellList(places), "<br>", ", ") + "\n")
		}
	}
	if left := len(list) - shown; left > 0 {
		m.WriteString("- … and " + more(left, "person", "people") + "\n")
	}
}

func (m *comment) seats(p *reconciler.Plan) {
	if len(p.Seats) == 0 {
		return
	}
	rows := make([][]string, len(p.Seats))
	for i, s := range p.Seats {
		rows[i] = []string{code(s.Product), code(s.Contract), seatWords(s)}
	}
	m.table([]string{"product", "contract", "seats"}, rows, "product", "products")
}

func (m *comment) objects(p *reconciler.Plan) {
	var rows [][]string
	for _, kind := range []reconciler.Kind{reconciler.KindContract, reconciler.KindProduct, reconciler.KindTeam} {
		for _, c := range ofKind(p, kind) {
			var fields []string
			for _, text := range objectValues(c, foldElements) {
				fields = append(fields, escape(text))
			}
			rows = append(rows, []string{signOf(c.Action), string(kind), code(c.Subject), cellList(fields)})
		}
	}
	if len(rows) == 0 {
		return
	}
	m.details("Contracts, products and teams: "+Count(len(rows), "change", "changes"), func() {
		m.table([]string{"", "kind", "name", "values"}, rows, "change", "changes")
	})
}

func (m *comment) messages(p *reconciler.Plan) {
	if len(p.Mail) == 0 {
		return
	}
	rows := make([][]string, len(p.Mail))
	for i, n := range p.Mail {
		rows[i] = []string{escape(string(n.Kind)), code(n.To), escape(n.Subject)}
	}
	m.details(mailCounts(p.Mail), func() {
		m.table([]string{"kind", "to", "subject"}, rows, "message", "messages")
	})
}

func (m *comment) notes(p *reconciler.Plan) {
	if len(p.Notes) == 0 {
		return
	}
	m.WriteString("\nNotes:\n\n")
	shown := min(len(p.Notes), m.rows)
	for _, n := range p.Notes[:shown] {
		m.WriteString("- " + escape(noteText(n)) + "\n")
	}
	if left := len(p.Notes) - shown; left > 0 {
		m.WriteString("- … and " + more(left, "note", "notes") + "\n")
	}
}

// escape makes s plain text in a Markdown table: nothing in it formats, ends a
// cell, opens HTML, or mentions a person, a team or an issue.
func escape(s string) string {
	var b strings.Builder
	for _, r := range visible(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@', r == '#':
			b.WriteRune(r)
			b.WriteString("<!-- -->")
		case strings.ContainsRune("\\`*_{}[]|~!$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code is s as a code span in a table, where neither mentions nor formatting
// work. The fence is longer than any run of backticks in s (CommonMark 6.1).
func code(s string) string {
	s = strings.ReplaceAll(visible(s), "|", "\\|")
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
			continue
		}
		run = 0
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}
