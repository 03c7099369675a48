package notice

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// Letter is what templates may use. Texts are single lines without control
// characters. It is flat because templates find the fields of an embedded struct
// slowly, and there may be a hundred thousand letters to write.
type Letter struct {
	Name     string // "Ada Lovelace"
	Email    string // what the person signs in with
	Gained   List   // access added
	Lost     List   // access removed
	Altered  List   // access whose days or contract changed
	Access   List   // all the access there is now: invitation, restored, returned
	Roles    []Role // assigned and withdrawn
	OldEmail string // before a change of address
	NewEmail string // after it
	Again    bool   // an invitation that replaces an earlier one
	Calendar bool   // the days alone brought it about
	Support  string // "a@acme.example or b@acme.example"; empty: nobody is named
	URL      string // of the account site, without a slash at its end; empty: there is none
	Link     string // to activate the account, or to choose a new password; empty without URL
	LastDay  string // of the invitation that a reminder is about: "20 February 2027"

	// What stewards are told; the kind of message decides which of these it is.
	Lapsed      []Lapsed
	Rules       []Rule
	Hold        Hold // what the Rules hold
	Mistakes    []Mistake
	Undelivered []Undelivered
	Seats       []Seats
	Terms       []Term
	Request     Request // what support is asked
	Total       int     // how many lines the list has in all
	More        int     // how many of them are only counted

	// What follows is known only when the plan is carried out; a subject has to
	// do without.
	Subject  string
	Revision int64
	Signer   string // name of the user who signed the commit of the revision; "" where nobody was asked
	When     string // "22 November 2026, 08:20 UTC"
	Expires  string // the invitation's or code's last moment, written like When: invitation, reminder, reset
	Days     int    // whole days until then
	Password string // stands for the given password or the code: invitation, reset
}

// List is lines of access.
type List []Access

// Access is one line of access.
type Access struct {
	Title       string // "Revit 2027"
	Type        string // "service", "benefit", or empty for a product
	Contract    string
	Days        string // "from 1 December 2026 until the end of 31 March 2027"; empty: without limits
	Was         string // the days before, where they changed; in words also without limits
	Now         string // the days after, where they changed; in words also without limits
	WasContract string // the contract before, where it changed
	Reason      string
}

// Role is one role of a contract.
type Role struct {
	Title    string // "the contract manager", "a software coordinator"
	Duty     string // what it is for, a sentence
	Contract string
	Assigned bool   // else withdrawn
	Person   string // whose, in what a contract manager is told of others
	Email    string
}

// Request is what somebody asks of a contract's support.
type Request struct {
	From     string // "Ada Lovelace"
	Email    string // where the answer goes
	User     string // metadata.name
	Contract string
	Topic    string   // in a line
	Lines    []string // of the text; an empty one between paragraphs
}

// Brief names the first and counts the rest: "AutoCAD 2027 and 2 more".
func (l List) Brief() string {
	switch len(l) {
	case 0:
		return ""
	case 1:
		return shorten(l[0].Title, 80)
	case 2:
		return shorten(l[0].Title, 80) + " and " + shorten(l[1].Title, 80)
	default:
		return fmt.Sprintf("%s and %d more", shorten(l[0].Title, 80), len(l)-1)
	}
}

// Bounded reports whether any of it is limited to some days.
func (l List) Bounded() bool {
	for _, a := range l {
		if a.Days != "" || a.Was != "" {
			return true
		}
	}
	return false
}

// Bounded reports whether days are named anywhere, which are days in UTC.
func (l *Letter) Bounded() bool {
	return len(l.Terms) > 0 || l.Gained.Bounded() || l.Lost.Bounded() || l.Altered.Bounded() || l.Access.Bounded()
}

// facts turns a notice into words, as far as the plan decides them.
func (w *Writer) facts(n *reconciler.Notice) *Letter {
	l := &Letter{
		Name:   fullName(n.Person),
		Email:  clean(n.Person.Email),
		Gained: list(n.Gained), Lost: list(n.Lost), Altered: altered(n.Altered),
		Roles:    roles(n.Roles),
		OldEmail: clean(n.Email[0]), NewEmail: clean(n.Email[1]),
		Again: n.Again, Calendar: n.Calendar,
		Support: strings.Join(cleanAll(n.Support), " or "),
		URL:     w.url,
		LastDay: lastDay(n),
	}
	if l.Access = l.Gained; !sameLines(n.Access, n.Gained) {
		l.Access = list(n.Access)
	}
	l.report(n.Report)
	l.request(n.Request)
	if w.url != "" {
		l.Link = w.url + landing(n.Kind) + "?user=" + url.QueryEscape(n.Person.Email)
	}
	return l
}

// landing is the page on which the person does what the message asks. Who they are
// only fills in a field: what opens the account stands in the message, not in the
// link, so that whatever follows links in messages opens nothing.
func landing(kind reconciler.NoticeKind) string {
	if kind == reconciler.NoticeReset {
		return "/password/reset"
	}
	return "/activate"
}

// request adds what support is asked.
func (l *Letter) request(r *reconciler.SupportRequest) {
	if r == nil {
		return
	}
	l.Request = Request{
		From: fullName(r.From), Email: clean(r.From.Email), User: clean(r.From.Name),
		Contract: clean(r.Contract), Topic: shorten(clean(r.Subject), 180),
		Lines: cleanAll(strings.Split(strings.TrimSpace(strings.ReplaceAll(r.Text, "\r\n", "\n")), "\n")),
	}
}

// stamp adds what is known now that the plan is carried out.
func (l *Letter) stamp(n *reconciler.Notice, s reconciler.Stamp) {
	l.Revision, l.When, l.Signer = s.Revision, moment(s.Time), s.Signer
	if n.Kind == reconciler.NoticeReminder {
		l.Expires = moment(n.Expires)
	}
	if secret(n.Kind) {
		l.Password = state.Placeholder
		l.Expires = moment(s.Expires)
		l.Days = int(s.Expires.Sub(s.Time).Round(time.Hour) / (24 * time.Hour))
	}
}

func fullName(p reconciler.Person) string { return clean(p.FirstName + " " + p.LastName) }

// sameLines reports whether two lists are one, as they are for whoever is new.
func sameLines(a, b []reconciler.AccessLine) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func list(lines []reconciler.AccessLine) List {
	l := make(List, len(lines))
	for i, line := range lines {
		l[i] = Access{
			Title: clean(line.Title), Contract: clean(line.Contract), Reason: clean(line.Reason), Days: days(line.Span),
		}
		if line.Type != spec.TypeProduct {
			l[i].Type = clean(string(line.Type))
		}
	}
	return l
}

// altered adds to the lines what they were before. A zero Was is one not given.
func altered(lines []reconciler.AccessLine) List {
	l := list(lines)
	for i, line := range lines {
		if line.Was != (spec.Span{}) && line.Was != line.Span {
			l[i].Was, l[i].Now = daysInWords(line.Was), daysInWords(line.Span)
		}
		if line.WasContract != line.Contract {
			l[i].WasContract = clean(line.WasContract)
		}
	}
	return l
}

func roles(lines []reconciler.RoleLine) []Role {
	rs := make([]Role, len(lines))
	for i, line := range lines {
		rs[i] = Role{
			Title: clean(string(line.Role)), Contract: clean(line.Contract), Assigned: line.Assigned,
			Person: clean(line.Person), Email: clean(line.Email),
		}
		switch line.Role {
		case spec.ContractManager:
			rs[i].Title = "the contract manager"
			rs[i].Duty = "A contract manager decides on a contract's roles, seats and products, and who has access."
		case spec.SoftwareCoordinator:
			rs[i].Title = "a software coordinator"
			rs[i].Duty = "A software coordinator manages a contract's users and their access, and has all its downloads."
		}
	}
	return rs
}

// moment writes a time to the minute.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

const dayInWords = "2 January 2006"

// days writes a span in words; the last day counts, so it is its end that is named.
func days(s spec.Span) string {
	from, until := s.From.Start().Format(dayInWords), s.Until.Start().Format(dayInWords)
	switch {
	case s == spec.AllTime:
		return ""
	case s.Until == spec.Forever:
		return "from " + from
	case s.From == spec.Always:
		return "until the end of " + until
	case s.From == s.Until:
		return "on " + from
	default:
		return "from " + from + " until the end of " + until
	}
}

func daysInWords(s spec.Span) string {
	if s == spec.AllTime {
		return "without a last day"
	}
	return days(s)
}

// clean makes a value one line of text: control characters, line separators and
// invisible marks that turn the direction of text become spaces or vanish, and so
// does what would be mistaken for a given password. Words come out as they went in.
func clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case deceptive(r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	s = strings.ReplaceAll(s, state.Placeholder, "(given password)")
	return strings.Join(strings.Fields(s), " ")
}

// plain reports whether a value is printable ASCII that clean would not change.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return !strings.Contains(s, state.Placeholder)
}

// deceptive reports whether a rune is invisible and changes how its neighbours
// are read. The joiners U+200C and U+200D belong to words of some scripts and stay.
func deceptive(r rune) bool {
	switch {
	case r == '\u200b', r == '\u2060', r == '\ufeff', r == '\u200e', r == '\u200f', r == '\u061c':
		return true
	default:
		return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	}
}

func cleanAll(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = clean(v)
	}
	return out
}

// shorten cuts a text to so many characters.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
