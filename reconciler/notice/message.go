package notice

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"usher/reconciler"
	"usher/state"
)

// longestName is how much of a person's name the To header shows, in characters.
// It keeps any header line below the 998 bytes of RFC 5322 section 2.1.1.
const longestName = 200

// message puts the parts together.
func (w *Writer) message(n *reconciler.Notice, s reconciler.Stamp, subject string, text, html []byte) ([]byte, error) {
	if err := checkMessageID(s.MessageID); err != nil {
		return nil, err
	}
	to, err := headerAddress(n.To)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	m.FromMailAddress(w.from)
	m.ToMailAddress(&netmail.Address{Name: literal(shorten(fullName(n.Person), longestName)), Address: to})
	m.ReplyToMailAddress(answerers(n.Support)...)
	m.Subject(subject)
	m.SetDateWithValue(s.Time.UTC())
	m.SetMessageIDWithValue(s.MessageID)
	if n.Kind != reconciler.NoticeSupport { // which a person wrote, and wants answered
		m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday replies, please
	}
	boundary := boundaryOf(s.MessageID)
	m.SetBoundary(boundary)
	m.SetGenHeader(gomail.HeaderContentType, `multipart/alternative; boundary="`+boundary+`"`)
	m.SetBodyWriter(gomail.TypeTextPlain, writerOf(text))
	m.AddAlternativeWriter(gomail.TypeTextHTML, writerOf(html))
	return written(m, n, count(text)+count(html))
}

// writerOf writes a part as it is, which go-mail would copy twice if it were a string.
func writerOf(part []byte) func(io.Writer) (int64, error) {
	return func(to io.Writer) (int64, error) {
		n, err := to.Write(part)
		return int64(n), err
	}
}

// written gives the message's bytes, in which the given password's place must
// have stayed whole as often as the templates wrote it.
func written(m *gomail.Msg, n *reconciler.Notice, passwords int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(5 << 10)
	if _, err := m.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("writing the %s message to %s: %w", n.Kind, n.To, err)
	}
	if got := count(b.Bytes()); got != passwords {
		return nil, fmt.Errorf("writing the %s message to %s: the given password's place is there %d times and should be %d times", n.Kind, n.To, got, passwords)
	}
	return b.Bytes(), nil
}

// literal keeps a header's text from being read as an encoded word (RFC 2047),
// which could show a reader anything at all.
func literal(s string) string { return strings.ReplaceAll(s, "=?", "= ?") }

// boundaryOf separates the parts of one message. In quoted-printable text an
// equals sign is never followed by an underscore, so no part can contain it.
func boundaryOf(messageID string) string {
	sum := sha256.Sum256([]byte(messageID))
	return "=_" + hex.EncodeToString(sum[:12])
}

// answerers are where a reply to the message goes: to people, not to usher.
func answerers(support []string) []*netmail.Address {
	var out []*netmail.Address
	for _, address := range support {
		if ascii, err := headerAddress(address); err == nil {
			out = append(out, &netmail.Address{Address: ascii})
		}
	}
	return out
}

func checkMessageID(id string) error {
	left, right, ok := strings.Cut(id, "@")
	if !ok || left == "" || right == "" || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }) {
		return fmt.Errorf("%q cannot be a Message-ID; expected left@right in ASCII", id)
	}
	return nil
}

// checkRecipient refuses what cannot stand in a header as it is.
func checkRecipient(to string) error {
	if strings.Contains(to, state.Placeholder) {
		return errors.New("the address contains what stands for a given password; choose another")
	}
	_, err := headerAddress(to)
	return err
}

var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.VerifyDNSLength(true))

// headerAddress is an address with its domain in A-labels, so that a header needs
// other than ASCII only for a local part that has it.
func headerAddress(address string) (string, error) {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return "", fmt.Errorf("%q is not an e-mail address", address)
	}
	at := strings.LastIndexByte(address, '@')
	domain := address[at+1:]
	if strings.ContainsFunc(domain, func(r rune) bool { return r >= 0x80 }) {
		if domain, err = domains.ToASCII(domain); err != nil {
			return "", fmt.Errorf("the domain of %q cannot be looked up: %w", address, err)
		}
	}
	return address[:at+1] + domain, nil
}

var placeholder = []byte(state.Placeholder)

func count(b []byte) int { return bytes.Count(b, placeholder) }

// secret reports whether messages of a kind carry what opens an account: a given
// password, or a reset code.
func secret(kind reconciler.NoticeKind) bool {
	return kind == reconciler.NoticeInvitation || kind == reconciler.NoticeReset
}

// checkPassword makes sure that what opens an account stands in both parts of a
// message that carries it, and in no other.
func checkPassword(kind reconciler.NoticeKind, text, html []byte) error {
	switch {
	case !secret(kind) && count(text)+count(html) > 0:
		return errors.New("only an invitation may contain a given password, and a reset its code")
	case secret(kind) && count(text) == 0:
		return errors.New("the text lacks the given password; its template needs {{.Password}}")
	case secret(kind) && count(html) == 0:
		return errors.New("the HTML lacks the given password; its template needs {{.Password}}")
	}
	return nil
}

// apart is how many bytes may stand before the given password in its line. Three
// times as many after encoding, and the password itself, still fit into the 75
// columns of quoted-printable, so no soft line break falls into it.
const apart = 18

// setApart begins a new line before each given password that stands too far right.
func setApart(body []byte) []byte {
	if count(body) == 0 {
		return body
	}
	out := make([]byte, 0, len(body)+count(body))
	for {
		i := bytes.Index(body, placeholder)
		if i < 0 {
			return append(out, body...)
		}
		out = append(out, body[:i]...)
		if len(out)-bytes.LastIndexByte(out, '\n')-1 > apart {
			out = append(out, '\n')
		}
		out = append(out, placeholder...)
		body = body[i+len(placeholder):]
	}
}
