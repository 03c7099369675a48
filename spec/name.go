package spec

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	maxNameLength   = 100 // characters of a first or last name
	maxResourceName = 253 // bytes, as in DNS
)

// checkResourceName accepts what metadata.name may be: a DNS-1123 subdomain, or
// a folded e-mail.
func checkResourceName(name string) (reason, hint string) {
	if strings.Contains(name, "@") {
		if reason, hint := checkAddress(name); reason != "" {
			return reason, hint
		}
		if key := FoldEmail(name); key != name {
			return fmt.Sprintf("%q is not a name: an e-mail used as a name is written folded", name), fmt.Sprintf("write %q", key)
		}
		return "", ""
	}
	if len(name) > maxResourceName {
		return fmt.Sprintf("a name of %d bytes, more than %d", len(name), maxResourceName), ""
	}
	if isSubdomain(name) {
		return "", ""
	}
	hint = "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"
	if lower := strings.ToLower(name); lower != name && isSubdomain(lower) {
		hint = fmt.Sprintf("write %q", lower)
	}
	return fmt.Sprintf("%q is not a name", name), hint
}

// isSubdomain reports whether the name is a subdomain as in RFC 1123: labels of
// lower-case letters, digits and inner hyphens, joined by dots.
func isSubdomain(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// checkPersonName accepts a first or last name: letters of any script, without
// double-byte or other non-ASCII digits (DOMAIN.md row 11), on one line.
func checkPersonName(name string) (reason, hint string) {
	if isPlainASCII(name) && strings.TrimSpace(name) == name && len(name) <= maxNameLength {
		if strings.ContainsFunc(name, unicode.IsLetter) {
			return "", ""
		}
		return fmt.Sprintf("%q has no letter in it", name), ""
	}
	if reason, hint := checkLine(name); reason != "" {
		return reason, hint
	}
	letter := false
	for _, r := range name {
		if r > unicode.MaxASCII && unicode.Is(unicode.Nd, r) {
			return fmt.Sprintf("%q has the digit %q, which is not an ASCII digit", name, string(r)),
				fmt.Sprintf("write %q", asciiDigits(name))
		}
		letter = letter || unicode.IsLetter(r)
	}
	if !letter {
		return fmt.Sprintf("%q has no letter in it", name), ""
	}
	if n := len([]rune(name)); n > maxNameLength {
		return fmt.Sprintf("a name of %d characters, more than %d", n, maxNameLength), ""
	}
	return "", ""
}

// checkLine accepts text that can stand on one line of a message: no control
// characters, nothing around it.
func checkLine(s string) (reason, hint string) {
	for _, r := range s {
		if unicode.IsControl(r) {
			return fmt.Sprintf("%q has a line break or another control character", s), "write it on one line"
		}
	}
	if trimmed := strings.TrimSpace(s); trimmed != s {
		return fmt.Sprintf("%q begins or ends with a space", s), fmt.Sprintf("write %q", trimmed)
	}
	return "", ""
}

// asciiDigits replaces every decimal digit by its ASCII form. The digits of
// each script stand in blocks of ten, so the value is the distance to the start
// of the run.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII || !unicode.Is(unicode.Nd, r) {
			return r
		}
		for _, digits := range unicode.Nd.R16 {
			if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
				return '0' + (r-rune(digits.Lo))%10
			}
		}
		for _, digits := range unicode.Nd.R32 {
			if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
				return '0' + (r-rune(digits.Lo))%10
			}
		}
		return r
	}, s)
}

// canonicalName is a person's name as usher keeps it: NFC.
func canonicalName(name string) string {
	if isPlainASCII(name) {
		return name
	}
	return norm.NFC.String(name)
}

// isPlainASCII reports whether s is printable ASCII throughout.
func isPlainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
