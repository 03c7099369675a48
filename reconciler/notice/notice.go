// Package notice composes the messages of a plan: for each kind of notice a text
// and an HTML part that say the same, made from templates.
//
// The templates are embedded, KIND.txt and KIND.html with their shared pieces in
// shared.txt and shared.html, and each file can be replaced by one of the same
// name in a folder of the operator's. A .txt file begins with a line "Subject: …"
// and an empty line; what follows is the body. What a template may use are the
// exported fields of [Letter]; a subject only those that the plan decides. All
// templates of a folder are tried against samples when the [Writer] is made, so a
// mistake in one stops usher at its start, with file and line, and never in a
// revision.
//
// The bytes of a message depend on nothing but the notice, the stamp and the
// templates: no clock, no randomness.
package notice

import (
	"fmt"
	netmail "net/mail"
	"net/url"
	"strings"
	"sync"
	"time"

	"usher/reconciler"
	"usher/state"
)

// DefaultFrom is the sender where none is given; good enough for a folder.
const DefaultFrom = "usher <usher@localhost>"

// Options say in whose name messages are written.
type Options struct {
	From      string // "usher@acme.example" or "Acme software <usher@acme.example>"; DefaultFrom where empty
	URL       string // what links begin with; empty: no links
	Templates string // folder of templates that replace embedded ones; empty: none
}

// Writer composes messages. It may be used by several goroutines at once.
type Writer struct {
	from    *netmail.Address
	url     string // without a slash at its end
	letters letters
	shared  map[reconciler.NoticeKind]func() *state.Pattern // made when first asked for
}

var _ reconciler.Composer = (*Writer)(nil)

// Kinds are the kinds of notices that there are templates for.
var Kinds = []reconciler.NoticeKind{
	reconciler.NoticeInvitation, reconciler.NoticeRemoved, reconciler.NoticeSuspended,
	reconciler.NoticeRestored, reconciler.NoticeReturned, reconciler.NoticeEmail, reconciler.NoticeEmailOld,
	reconciler.NoticeAccess, reconciler.NoticeRole, reconciler.NoticeSteward, reconciler.NoticeReminder,
	reconciler.NoticeExpired, reconciler.NoticeHeld, reconciler.NoticeRefused, reconciler.NoticeUndeliverable,
	reconciler.NoticeSeats, reconciler.NoticeTerm, reconciler.NoticeSupport,
	reconciler.NoticeReset, reconciler.NoticePassword,
}

// New reads the templates and tries each of them.
func New(o Options) (*Writer, error) {
	if o.From == "" {
		o.From = DefaultFrom
	}
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("sender %q is not an address such as usher@acme.example", o.From)
	}
	if from.Address, err = headerAddress(from.Address); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	base, err := baseURL(o.URL)
	if err != nil {
		return nil, err
	}
	of, err := load(o.Templates)
	if err != nil {
		return nil, err
	}
	w := &Writer{from: from, url: base, letters: of, shared: map[reconciler.NoticeKind]func() *state.Pattern{}}
	for _, kind := range Kinds {
		w.shared[kind] = sync.OnceValue(func() *state.Pattern { return w.pattern(kind) })
	}
	if o.Templates == "" {
		return w, nil // ours were tried before they were shipped
	}
	return w, w.try()
}

// Pattern is the message that the kind's sample makes, nil for an unknown kind.
func (w *Writer) Pattern(kind reconciler.NoticeKind) *state.Pattern {
	if pattern := w.shared[kind]; pattern != nil {
		return pattern()
	}
	return nil
}

func (w *Writer) pattern(kind reconciler.NoticeKind) *state.Pattern {
	text, err := w.Compose(Sample(kind), SampleStamp())
	if err != nil {
		return nil // messages are then stored as they are
	}
	return state.NewPattern(text)
}

// baseURL checks what links begin with, and takes the slash off its end.
func baseURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("url %q: expected the beginning of a web address, such as https://software.acme.example", s)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Subject is the subject line of a notice, one line of at most 200 characters.
func (w *Writer) Subject(n *reconciler.Notice) (string, error) {
	l, err := w.letter(n)
	if err != nil {
		return "", err
	}
	return l.subjectOf(w.facts(n))
}

// Compose writes the whole message (RFC 5322, CRLF). It refuses an invitation
// without its given password, a reset without its code, and any other message with
// either.
func (w *Writer) Compose(n *reconciler.Notice, s reconciler.Stamp) ([]byte, error) {
	l, err := w.letter(n)
	if err != nil {
		return nil, err
	}
	letter := w.facts(n)
	if letter.Subject = n.Subject; letter.Subject == "" {
		if letter.Subject, err = l.subjectOf(letter); err != nil {
			return nil, err
		}
	}
	letter.stamp(n, s)
	room := rooms.Get().(*room)
	defer rooms.Put(room)
	text, html, err := l.bodies(letter, room)
	if err != nil {
		return nil, err
	}
	if err := checkPassword(n.Kind, text, html); err != nil {
		return nil, fmt.Errorf("composing the %s message to %s: %w", n.Kind, n.To, err)
	}
	return w.message(n, s, letter.Subject, text, html)
}

func (w *Writer) letter(n *reconciler.Notice) (*letter, error) {
	read := w.letters[n.Kind]
	if read == nil {
		return nil, fmt.Errorf("there are no messages of kind %q", n.Kind)
	}
	l, err := read()
	if err != nil {
		return nil, err
	}
	if err := checkRecipient(n.To); err != nil {
		return nil, fmt.Errorf("composing the %s message: %w", n.Kind, err)
	}
	return l, nil
}

// try composes every kind from a full sample and from a bare one, with links and
// without, so that each branch of a template has been taken once.
func (w *Writer) try() error {
	stamp := SampleStamp()
	for _, kind := range Kinds {
		full := Sample(kind)
		bare := &reconciler.Notice{Kind: kind, To: full.To, Person: full.Person, Email: full.Email}
		for _, n := range []*reconciler.Notice{full, turned(full), bare} {
			for _, base := range []string{"https://usher.example", ""} {
				tried := &Writer{from: w.from, url: base, letters: w.letters}
				if _, err := tried.Compose(n, stamp); err != nil {
					return fmt.Errorf("trying the templates: %w", err)
				}
			}
		}
	}
	return nil
}

// turned is the notice with its switches the other way round.
func turned(n *reconciler.Notice) *reconciler.Notice {
	other := *n
	other.Again, other.Calendar = !n.Again, !n.Calendar
	return &other
}

// SampleStamp is a stamp to show samples with.
func SampleStamp() reconciler.Stamp {
	at := time.Date(2026, time.November, 22, 8, 20, 5, 0, time.UTC)
	return reconciler.Stamp{Revision: 12, Time: at, MessageID: "sample@usher.example", Expires: at.AddDate(0, 0, 90)}
}
