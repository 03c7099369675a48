package state

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mention is what a text names somebody by.
type mention struct {
	addresses []string // beside which every message names those whom it is not to
	names     []string // in the manifests, and first and last name together: others may share them
}

// mentionOf collects all that removed accounts were ever called, but for what somebody
// who is there is called now.
func (tx *Tx) mentionOf(ids []string) (m mention, err error) {
	conn, err := tx.conn()
	if err != nil {
		return m, err
	}
	err = eachMany(ids, func(in string, args []any) error {
		const who = "SELECT name, email, email_key, first_name || ' ' || last_name FROM person WHERE name <> '' AND account"
		_, err := collect(tx.ctx, conn, who+in, args, func(scan scanner) (none struct{}, err error) {
			var name, email, key, full string
			err = scan(&name, &email, &key, &full)
			m.names = append(m.names, name, full)
			m.addresses = append(m.addresses, email, key)
			return none, err
		})
		return err
	})
	if err != nil {
		return m, err
	}
	if m.addresses, err = tx.nobodys(m.addresses, "email = ? OR email_key = ?"); err == nil {
		m.names, err = tx.nobodys(m.names, "name = ? OR first_name || ' ' || last_name = ?")
	}
	return m, err
}

// nobodys returns the words, each once, that do not stand for anybody who is there.
func (tx *Tx) nobodys(words []string, standsFor string) ([]string, error) {
	var free []string
	slices.Sort(words)
	for _, word := range slices.Compact(words) {
		there, err := tx.list("SELECT account FROM person WHERE until IS NULL AND ("+standsFor+") LIMIT 1", word, word)
		if err != nil {
			return nil, err
		}
		if len(there) == 0 {
			free = append(free, word)
		}
	}
	return free, nil
}

// in reports whether a message of a kind names them in a text. Only what speaks of
// plans names people as manifests do, and without their address.
func (m mention) in(kind, text string) bool {
	ofPlans := kind == "held" || kind == "refused"
	return m.saysAny(text, m.addresses) || ofPlans && m.saysAny(text, m.names)
}

// inPlan reports the same of a plan and the rules that hold it, as JSON.
func (m mention) inPlan(text string) bool {
	return m.saysAny(text, m.addresses) || m.saysAny(text, m.names)
}

// saysAny reports whether any of these stands in a text by itself, in whatever case.
func (m mention) saysAny(text string, these []string) bool {
	text = strings.ToLower(strings.Join(strings.Fields(text), " ")) // lines may be folded anywhere
	return slices.ContainsFunc(these, func(this string) bool { return standsIn(text, strings.ToLower(this)) })
}

// standsIn reports whether a phrase stands in a text and is no part of a longer word,
// name or address.
func standsIn(text, phrase string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], phrase)
		if i < 0 || phrase == "" {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		if !joins(before) && !goesOn(text[at+len(phrase):]) {
			return true
		}
		at += len(phrase)
	}
}

// goesOn reports whether what comes after a word makes it a longer one: a dot may end
// a sentence, or stand within an address. A manifest may be called what it declares.
func goesOn(rest string) bool {
	for _, ending := range []string{".yaml", ".yml"} {
		if after, manifest := strings.CutPrefix(rest, ending); manifest && !goesOn(after) {
			return false
		}
	}
	r, size := utf8.DecodeRuneInString(rest)
	if !inWord(r) && joins(r) {
		r, _ = utf8.DecodeRuneInString(rest[size:])
	}
	return inWord(r)
}

func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}

// joins reports whether a rune may stand within a name or an address.
func joins(r rune) bool { return inWord(r) || r == '.' || r == '-' || r == '@' }

// inMessage reports whether a message names them: in its subject, or in any of its
// parts. One that cannot be read is taken to.
func (m mention) inMessage(kind string, body []byte) bool {
	msg, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		return true
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || m.in(kind, subject) {
		return true
	}
	texts, err := partsOf(msg.Header, msg.Body)
	return err != nil || slices.ContainsFunc(texts, func(text string) bool { return m.in(kind, text) })
}

// header is that of a message, or of a part of one.
type header interface{ Get(key string) string }

var errEncoding = errors.New("a transfer encoding that usher never writes")

// partsOf returns the text of a message, and of each of its parts (RFC 2046).
func partsOf(h header, body io.Reader) ([]string, error) {
	kind, params, err := mime.ParseMediaType(cmp.Or(h.Get("Content-Type"), "text/plain"))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		text, err := decoded(h, body)
		return []string{text}, err
	}
	var texts []string
	for parts := multipart.NewReader(body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return texts, nil
		}
		if err != nil {
			return texts, err
		}
		some, err := partsOf(part.Header, part)
		if err != nil {
			return texts, err
		}
		texts = append(texts, some...)
	}
}

// decoded reads a text in its transfer encoding (RFC 2045, section 6).
func decoded(h header, body io.Reader) (string, error) {
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "", "7bit", "8bit":
	default:
		return "", errEncoding
	}
	text, err := io.ReadAll(body)
	return string(text), err
}
