package mail

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// domains turns domains to A-labels as a registry would look them up.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.VerifyDNSLength(true))

// envelopeAddress is the address as it goes on the wire: the domain as A-labels,
// the local part as written.
func envelopeAddress(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || strings.ContainsAny(address, "\r\n<> ") {
		return "", fmt.Errorf("%q is not an e-mail address", address)
	}
	domain := address[at+1:]
	if ascii(domain) {
		return address, nil
	}
	domain, err := domains.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("the domain of %q cannot be looked up: %w", address, err)
	}
	return address[:at+1] + domain, nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
