package render

import "strings"

// apart is a blank without width. It keeps a forge from taking what follows for a
// mention, a reference or a link; backslashes do not, since forges look for those in
// the text that is left when the Markdown is gone.
const apart = "&#8203;"

// Signs with which a forge refers to people, issues, requests, labels, milestones,
// snippets, epics and alerts.
const references = "@#!~%$&^"

// links takes the beginnings of links and issues apart (GitHub Flavored Markdown 6.9).
var links = strings.NewReplacer("://", ":"+apart+"//", "www.", "www"+apart+".", "GH-", "GH"+apart+"-")

// escape makes s plain text in a Markdown table: nothing in it formats, ends a
// cell, opens HTML, links anywhere, or mentions a person, a team or an issue.
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
		case strings.ContainsRune("\\`*_{}[]|~!$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		if strings.ContainsRune(references, r) {
			b.WriteString(apart)
		}
	}
	return links.Replace(b.String())
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

// comment collects Markdown; no list has more than rows rows.
type comment struct {
	strings.Builder
	rows    int
	command string // what shows everything; "": nobody said
}

// openRows is how many rows of a table stand open; a longer one is folded.
const openRows = 30

// cut is how many of n rows are written, and says how many are not, if any.
func (m *comment) cut(n, most int, one, many string) (shown int, rest string) {
	shown = min(n, most)
	if n == shown {
		return shown, ""
	}
	rest = "… and " + more(n-shown, one, many)
	if m.command != "" {
		rest += "; all of them: " + code(m.command)
	}
	return shown, rest
}

// rows is a table yet to be written: n rows, each made when it is needed, and what
// they are called.
type rows struct {
	heads     []string
	n         int
	row       func(i int) []string
	one, many string
}

// table writes the columns that have something in them.
func (m *comment) table(r rows) {
	shown, rest := m.cut(r.n, m.rows, r.one, r.many)
	list := make([][]string, shown)
	for i := range list {
		list[i] = r.row(i)
	}
	heads, list := filled(r.heads, list)
	m.WriteString("\n| " + strings.Join(heads, " | ") + " |\n" + strings.Repeat("| --- ", len(heads)) + "|\n")
	for _, row := range list {
		m.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	if rest != "" {
		m.WriteString("\n" + rest + "\n")
	}
}

// filled leaves out columns that are empty in each row.
func filled(heads []string, rows [][]string) ([]string, [][]string) {
	var keep []int
	for i := range heads {
		for _, row := range rows {
			if row[i] != "" {
				keep = append(keep, i)
				break
			}
		}
	}
	kept := func(row []string) []string {
		cells := make([]string, len(keep))
		for i, column := range keep {
			cells[i] = row[column]
		}
		return cells
	}
	list := make([][]string, len(rows))
	for i, row := range rows {
		list[i] = kept(row)
	}
	return kept(heads), list
}

// list writes at most so many of n items, which are Markdown already.
func (m *comment) list(n, most int, item func(i int) string, one, many string) {
	m.WriteString("\n")
	shown, rest := m.cut(n, most, one, many)
	for i := range shown {
		m.WriteString("- " + item(i) + "\n")
	}
	if rest != "" {
		m.WriteString("- " + rest + "\n")
	}
}

// details folds what write adds below a summary, which is our own words.
func (m *comment) details(summary string, write func()) {
	m.WriteString("\n<details><summary>" + summary + "</summary>\n")
	write()
	m.WriteString("\n</details>\n")
}

// folded is a table below its heading, or below a fold where it is long.
func (m *comment) folded(heading string, r rows) {
	switch {
	case r.n > openRows:
		m.details(heading+": "+Count(r.n, r.one, r.many), func() { m.table(r) })
	case r.n > 0:
		m.WriteString("\n**" + heading + "**\n")
		m.table(r)
	}
}
