package notice

import (
	"bytes"
	"strings"
)

// longestLine is how many columns a line of a header or of quoted-printable text has
// at most, where it can be broken (RFC 5322 section 2.1.1, RFC 2045 section 6.7).
const longestLine = 76

// appendHeader appends a field, folded before blanks (RFC 5322 section 2.2.3). The
// value is of one line, in ASCII but for what an international address has.
func appendHeader(b []byte, name, value string) []byte {
	b = append(append(b, name...), ':')
	column := len(name) + 1
	for word := range strings.SplitSeq(value, " ") {
		if column+1+len(word) > longestLine && column > len(name)+1 && word != "" {
			b, column = append(b, "\r\n"...), 0
		}
		b = append(append(b, ' '), word...)
		column += 1 + len(word)
	}
	return append(b, "\r\n"...)
}

// appendQuoted appends text, whose lines end with LF, in quoted-printable (RFC 2045
// section 6.7), where they end with CRLF.
func appendQuoted(b, text []byte) []byte {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		if len(line) <= longestLine && plainLine(line) {
			b = append(b, line...)
		} else {
			b = appendQuotedLine(b, line)
		}
		b = append(b, "\r\n"...)
		text = rest
	}
	return b
}

// plainLine reports whether a line stands for itself.
func plainLine(line []byte) bool {
	for _, c := range line {
		if !standsForItself(c) {
			return false
		}
	}
	return len(line) == 0 || !blank(line[len(line)-1])
}

func standsForItself(c byte) bool { return c >= ' ' && c <= '~' && c != '=' || c == '\t' }

func blank(c byte) bool { return c == ' ' || c == '\t' }

// appendQuotedLine breaks a line softly wherever it would get too long, and keeps a
// blank at its end from being taken away on its way.
func appendQuotedLine(b, line []byte) []byte {
	const digits = "0123456789ABCDEF"
	column := 0
	for i, c := range line {
		last := i == len(line)-1
		width := 1
		if !standsForItself(c) || last && blank(c) {
			width = 3
		}
		room := longestLine - 1 // for the sign that the line goes on
		if last {
			room = longestLine
		}
		if column+width > room {
			b, column = append(b, "=\r\n"...), 0
		}
		if width == 1 {
			b = append(b, c)
		} else {
			b = append(b, '=', digits[c>>4], digits[c&15])
		}
		column += width
	}
	return b
}
