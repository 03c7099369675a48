package spec

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Bounds of RFC 5321 section 4.5.3.1, in bytes.
const (
	maxLocalPart = 64
	maxAddress   = 254
)

// maxFolded bounds, in bytes, what is folded beyond ASCII: making A-labels of a
// long text takes time by the square of its length.
const maxFolded = 4 * maxAddress

// hostnames turns domains into A-labels: lookups' mapping, with lengths checked.
var hostnames = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true),
	idna.VerifyDNSLength(true), idna.Transitional(false),
)

// FoldEmail returns the form in which addresses are compared (DOMAIN.md row 10):
// the local part in NFC and case-folded, the domain as lower-case A-labels. What
// is not an address is folded as far as it goes.
func FoldEmail(address string) string {
	if isPlainASCII(address) {
		return strings.ToLower(address)
	}
	if len(address) > maxFolded {
		return address
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return foldLocalPart(address)
	}
	local := foldLocalPart(address[:at])
	domain, err := hostnames.ToASCII(address[at+1:])
	if err != nil {
		domain = strings.ToLower(address[at+1:])
	}
	return local + "@" + domain
}

func foldLocalPart(local string) string {
	folded := cases.Fold().String(norm.NFC.String(local))
	return norm.NFC.String(strings.Map(foldCherokee, folded))
}

// foldCherokee folds to capitals, as Unicode's CaseFolding.txt has it for this
// script alone; golang.org/x/text swaps the two cases.
func foldCherokee(r rune) rune {
	switch {
	case 0xab70 <= r && r <= 0xabbf:
		return r - 0xab70 + 0x13a0
	case 0x13f8 <= r && r <= 0x13fd:
		return r - 0x13f8 + 0x13f0
	}
	return r
}

// checkAddress accepts one bare e-mail address that a message can be sent to
// and that looks like what it is.
func checkAddress(address string) (reason, hint string) {
	if !isPlainASCII(address) {
		if reason, hint := checkAddressCharacters(address); reason != "" {
			return reason, hint
		}
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		hint = "an address alone, such as ada@acme.example"
		if err == nil && strings.Contains(address, parsed.Address) {
			hint = fmt.Sprintf("write %q", parsed.Address)
		}
		return fmt.Sprintf("%q is not an e-mail address", address), hint
	}
	at := strings.LastIndexByte(address, '@')
	local, domain := address[:at], address[at+1:]
	switch {
	case strings.ContainsAny(local, " \"(),:;<>[\\]@"):
		return fmt.Sprintf("%q is not an e-mail address usher can use: its local part needs quotes", address), ""
	case len(local) > maxLocalPart:
		return fmt.Sprintf("the part before the @ has %d bytes, more than the %d that mail allows", len(local), maxLocalPart), ""
	case len(address) > maxAddress:
		return fmt.Sprintf("the address has %d bytes, more than the %d that mail allows", len(address), maxAddress), ""
	}
	if _, err := hostnames.ToASCII(domain); err != nil {
		return fmt.Sprintf("%q has no valid domain after the @", address), ""
	}
	if !strings.Contains(strings.Trim(domain, "."), ".") {
		return fmt.Sprintf("%q has no full domain after the @", address), "a domain has a dot, such as acme.example"
	}
	return "", ""
}

// checkAddressCharacters refuses what makes one address look like another:
// invisible and bidi characters, white space, full-width and other forms that
// compatibility normalisation would change.
func checkAddressCharacters(address string) (reason, hint string) {
	for _, r := range address {
		if forbidden(r) || unicode.In(r, unicode.Cf, unicode.Variation_Selector) || unicode.IsSpace(r) {
			return fmt.Sprintf("%q has the invisible character U+%04X", address, r), "type the address anew"
		}
		if unicode.Is(unicode.Nd, r) && r > unicode.MaxASCII {
			return fmt.Sprintf("%q has the digit %q, which is not an ASCII digit", address, string(r)), fmt.Sprintf("write %q", asciiDigits(address))
		}
	}
	if plain := norm.NFKC.String(address); plain != norm.NFC.String(address) {
		return fmt.Sprintf("%q has full-width or other compatibility characters", address), fmt.Sprintf("write %q", plain)
	}
	return "", ""
}
