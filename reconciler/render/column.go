package render

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// gap is what separates two columns.
const gap = "  "

// width is the number of terminal cells s takes: two for a wide character of
// the East Asian scripts, none for a combining mark.
func width(s string) int { return uniseg.StringWidth(s) }

// pad fills s with blanks up to the given number of cells.
func pad(s string, cells int) string {
	if missing := cells - width(s); missing > 0 {
		return s + strings.Repeat(" ", missing)
	}
	return s
}

// columns aligns rows of cells, one line each, without blanks at line ends.
// Rows may differ in length. Each line begins with indent.
func columns(indent string, rows [][]string) []string {
	widths := columnWidths(rows)
	lines := make([]string, len(rows))
	for i, row := range rows {
		var b strings.Builder
		b.WriteString(indent)
		for j, cell := range row {
			if j > 0 {
				b.WriteString(gap)
			}
			b.WriteString(pad(cell, widths[j]))
		}
		lines[i] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for j, cell := range row {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], width(cell))
		}
	}
	return widths
}

// visible replaces every character that could move the cursor, hide text or
// turn its direction, so that a line of somebody's manifest shows as it is.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return '\uFFFD'
		}
		return r
	}, s)
}

// aligned fills lines up to the widest of them, for something to follow.
func aligned(lines []string) []string {
	widest := 0
	for _, line := range lines {
		widest = max(widest, width(line))
	}
	for i, line := range lines {
		lines[i] = pad(line, widest)
	}
	return lines
}

// shorten cuts the middle out of what is longer than so many cells.
func shorten(s string, cells int) string {
	if width(s) <= cells {
		return s
	}
	runes := []rune(s)
	half := (cells - 1) / 2
	return string(runes[:half]) + "…" + string(runes[len(runes)-half:])
}
