package spec

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// SigningKey is a public key whose signature counts as its user's, while it is
// valid.
type SigningKey struct {
	Key    string    // "TYPE BASE64", no comment
	After  time.Time // not valid before this moment; zero: always was
	Before time.Time // not valid after this moment; zero: always will be
}

// ParseSigningKey reads a line as OpenSSH writes it into .pub files, with up to
// two options in front, as in ssh-keygen's ALLOWED SIGNERS: valid-after and
// valid-before, each YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC.
func ParseSigningKey(line string) (SigningKey, error) {
	if strings.ContainsAny(line, "\r\n") {
		return SigningKey{}, fmt.Errorf("%q is not one SSH public key", shorten(line, 40))
	}
	pub, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(rest) > 0 {
		return SigningKey{}, fmt.Errorf("%q is not one SSH public key", shorten(line, 40))
	}
	if _, certified := pub.(*ssh.Certificate); certified {
		return SigningKey{}, fmt.Errorf("%q is a certificate, not a key", shorten(line, 40))
	}
	k := SigningKey{Key: pub.Type() + " " + base64.StdEncoding.EncodeToString(pub.Marshal())}
	for _, option := range options {
		if err := k.option(option); err != nil {
			return SigningKey{}, err
		}
	}
	if !k.Before.IsZero() && k.Before.Before(k.After) {
		return SigningKey{}, fmt.Errorf("the key is valid before %s, which is not after %s", stamp(k.Before), stamp(k.After))
	}
	return k, nil
}

// option reads one option; each may be given once.
func (k *SigningKey) option(s string) (err error) {
	name, value, _ := strings.Cut(s, "=")
	var field *time.Time
	switch strings.ToLower(name) {
	case "valid-after":
		field = &k.After
	case "valid-before":
		field = &k.Before
	default:
		return fmt.Errorf("a signing key has no option %q", name)
	}
	if !field.IsZero() {
		return fmt.Errorf("%s is given twice", name)
	}
	*field, err = parseStamp(strings.Trim(value, `"`))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// stampLayouts are the ways in which OpenSSH writes a moment.
var stampLayouts = []string{"20060102", "200601021504", "20060102150405"}

func parseStamp(s string) (time.Time, error) {
	digits := strings.TrimSuffix(s, "Z")
	for _, layout := range stampLayouts {
		if len(layout) != len(digits) {
			continue
		}
		if at, err := time.Parse(layout, digits); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a moment such as 20270101 or 20270101120000, in UTC", shorten(s, 20))
}

// stamp writes a moment in the shortest way that says it.
func stamp(at time.Time) string {
	long := at.UTC().Format(stampLayouts[2])
	return strings.TrimSuffix(long, "000000")
}

// String writes the key as usher compares and keeps it: options in the order of
// time, then type and base64. [ParseSigningKey] reads it back.
func (k SigningKey) String() string {
	var options []string
	if !k.After.IsZero() {
		options = append(options, `valid-after="`+stamp(k.After)+`"`)
	}
	if !k.Before.IsZero() {
		options = append(options, `valid-before="`+stamp(k.Before)+`"`)
	}
	if len(options) == 0 {
		return k.Key
	}
	return strings.Join(options, ",") + " " + k.Key
}

// ValidAt reports whether the key is valid at a moment; both ends are.
func (k SigningKey) ValidAt(at time.Time) bool {
	return !at.Before(k.After) && (k.Before.IsZero() || !at.After(k.Before))
}

// checkSigningKey accepts one public key with the options of [ParseSigningKey].
func checkSigningKey(key string) (reason, hint string) {
	if _, err := ParseSigningKey(key); err != nil {
		return err.Error(), `write the line of the .pub file: "ssh-ed25519 AAAA…"; valid-before="20270101" may stand in front`
	}
	return "", ""
}

// canonicalKey is a key as usher keeps it, see [SigningKey.String]; what is none,
// which Parse has reported, is left as it is.
func canonicalKey(line string) string {
	k, err := ParseSigningKey(line)
	if err != nil {
		return line
	}
	return k.String()
}

// keyAlone is a key without its options: what tells it from others.
func keyAlone(line string) string {
	k, err := ParseSigningKey(line)
	if err != nil {
		return line
	}
	return k.Key
}

// shorten cuts a text that an error quotes to about n characters.
func shorten(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}
