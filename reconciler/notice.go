package reconciler

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"usher/spec"
	"usher/state"
)

// NoticeKind is what a message tells.
type NoticeKind string

// The kinds of messages (DOMAIN.md, "Who is told"). A person gets at most one a
// revision: the first of these that fits, which then lists everything else too.
const (
	NoticeInvitation NoticeKind = "invitation" // to a new user, or again: sign-in id, given password, link, last day, access so far
	NoticeRemoved    NoticeKind = "removed"    // the account is closed
	NoticeSuspended  NoticeKind = "suspended"
	NoticeRestored   NoticeKind = "restored" // lists the access there is now
	NoticeReturned   NoticeKind = "returned" // the same account again, within 30 days of its removal
	NoticeEmail      NoticeKind = "email"    // the address changed; to the new one
	NoticeEmailOld   NoticeKind = "email-old"
	NoticeReminder   NoticeKind = "reminder" // to an invited person: the invitation is about to expire
	NoticeAccess     NoticeKind = "access"   // access added, removed or altered; roles as well
	NoticeRole       NoticeKind = "role"     // roles alone
	NoticeSteward    NoticeKind = "roles"    // to a contract manager: who got or lost a role
)

// The kinds of messages to stewards beside those, each with a Report.
const (
	NoticeExpired       NoticeKind = "expired"       // to a software coordinator: whose invitations expired
	NoticeHeld          NoticeKind = "held"          // a plan waits for a person
	NoticeRefused       NoticeKind = "refused"       // the manifests have errors
	NoticeUndeliverable NoticeKind = "undeliverable" // messages that were given up
	NoticeSeats         NoticeKind = "seats"         // a product over nine tenths of its seats
	NoticeTerm          NoticeKind = "term"          // to a contract manager alone: a contract is about to end
)

// NoticeSupport is what somebody asks of a contract's support, to its address; it
// has a Request.
const NoticeSupport NoticeKind = "support"

// The kinds of messages about signing in. They belong to no revision.
const (
	NoticeReset    NoticeKind = "reset"    // a code with which to choose a new password
	NoticePassword NoticeKind = "password" // the password was changed
)

// Mail is one message of a plan, as a plan shows it. What its text is composed from is
// worked out when it is composed: of a plan about everybody it is as much as all else.
type Mail struct {
	Kind    NoticeKind `json:"kind"`
	To      string     `json:"to"`
	Subject string     `json:"subject"`

	account string        // see Notice
	name    string        // see Notice
	notice  func() Notice // without its subject; nil: the plan was read, and is only shown
}

// Notice is what the message says.
func (m *Mail) Notice() Notice {
	n := m.notice()
	n.Subject = m.Subject
	return n
}

// mailOf is a notice as a plan has it.
func mailOf(n Notice) Mail {
	return Mail{Kind: n.Kind, To: n.To, Subject: n.Subject, account: n.account, name: n.name, notice: func() Notice { return n }}
}

// Notice is what one message says. It depends on nothing that is known only when its
// plan is carried out but the Stamp.
type Notice struct {
	Kind    NoticeKind `json:"kind"`
	To      string     `json:"to"`
	Subject string     `json:"subject"`

	Person   Person       `json:"-"` // whom it is to
	Gained   []AccessLine `json:"-"` // access added, sorted by title
	Lost     []AccessLine `json:"-"` // access removed
	Altered  []AccessLine `json:"-"` // days or contract changed
	Access   []AccessLine `json:"-"` // all there is after the plan: for invitation, restored, returned
	Roles    []RoleLine   `json:"-"` // assigned and withdrawn; of others for NoticeSteward
	Email    [2]string    `json:"-"` // from and to, for the two e-mail notices
	Again    bool         `json:"-"` // an invitation that replaces an earlier one
	Support  []string     `json:"-"` // support addresses of the contracts concerned, distinct and sorted
	Calendar bool         `json:"-"` // the days alone brought it about, nobody edited anything
	Expires  time.Time    `json:"-"` // the last moment of the invitation that a reminder is about
	Report   *Report      `json:"-"` // what a steward is told; nil for what concerns the person alone

	Request *SupportRequest `json:"-"` // what support is asked; nil for every other kind

	account string // id; "" where the plan makes the account
	name    string // metadata.name of the account it belongs to
}

// Person is whom a message is to.
type Person struct {
	Name, Email, FirstName, LastName string
}

// AccessLine is one line of access in a message.
type AccessLine struct {
	Title       string // the product's title
	Type        spec.ProductType
	Contract    string
	Span        spec.Span
	Was         spec.Span // for altered days
	WasContract string    // where the contract changed
	Reason      string
}

// RoleLine is one role assigned or withdrawn.
type RoleLine struct {
	Contract string
	Role     spec.Role
	Assigned bool   // else withdrawn
	Person   string // full name, for NoticeSteward
	Email    string
}

// Stamp is what a message carries of the revision that sends it.
type Stamp struct {
	Revision  int64
	Time      time.Time
	MessageID string    // without angle brackets
	Expires   time.Time // last moment of the invitation; zero for other kinds
	Signer    string    // name of the user who signed the commit; "" where nobody was asked
}

// Composer writes messages. It is handed in by the command, so that how things
// read stays apart from what happens. It is used by several goroutines at once.
type Composer interface {
	// Subject is the subject line of a notice; it does not depend on the stamp.
	Subject(*Notice) (string, error)
	// Compose writes the whole message (RFC 5322, CRLF). Equal arguments give
	// equal bytes. Where a given password belongs it writes state.Placeholder.
	Compose(*Notice, Stamp) ([]byte, error)
	// Pattern is what messages of a kind have in common, so that they are stored
	// small; nil: nothing is known.
	Pattern(NoticeKind) *state.Pattern
}

// notify adds the message that one person gets of the plan, if any, and to the
// former address one more where the e-mail changed.
func (d *differ) notify(p pair, access []accessChange) {
	kind := d.noticeKind(p, access)
	if kind == "" {
		return
	}
	if p.was == nil && !p.returns {
		is := p.is // and no more of the pair: there may be a million
		d.plan.Mail = append(d.plan.Mail, Mail{Kind: kind, To: is.Email, name: is.Name, notice: func() Notice {
			return d.notice(NoticeInvitation, pair{is: is}, nil)
		}})
		return
	}
	n := d.notice(kind, p, access)
	if p.moves() && p.activated() {
		n.Email = [2]string{p.was.Email, p.is.Email}
		d.send(Notice{
			Kind: NoticeEmailOld, To: p.was.Email, Person: personOf(p.was), Email: n.Email,
			Support: n.Support, account: p.account.ID, name: n.name,
		})
	}
	d.send(n)
}

// notice is what one person is told.
func (d *differ) notice(kind NoticeKind, p pair, access []accessChange) Notice {
	u := orOther(p.is, p.was)
	n := Notice{
		Kind: kind, To: u.Email, Person: personOf(u),
		Again: kind == NoticeInvitation && p.account.Issue > 0, account: p.account.ID, name: u.Name,
	}
	if kind != NoticeEmail || !p.is.Suspended {
		n.Roles = d.roles[u.Name]
		d.accessLines(&n, p, access)
	}
	return n
}

// send adds a message to the plan.
func (d *differ) send(n Notice) { d.plan.Mail = append(d.plan.Mail, mailOf(n)) }

func personOf(u *spec.User) Person {
	return Person{Name: u.Name, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName}
}

// noticeKind says what a person is told, "" for nothing. Whoever is suspended,
// before and after, hears of nothing but a change of address.
func (d *differ) noticeKind(p pair, access []accessChange) NoticeKind {
	switch {
	case p.is == nil:
		return NoticeRemoved
	case p.was == nil && (d.Adopt && !p.returns || p.is.Suspended):
		return ""
	case p.was == nil && p.returns && p.activated():
		return NoticeReturned
	case p.was == nil:
		return NoticeInvitation
	case p.is.Suspended && !p.was.Suspended:
		return NoticeSuspended
	case p.is.Suspended && p.moves() && p.activated():
		return NoticeEmail
	case p.is.Suspended:
		return ""
	case p.moves() && !p.activated(), p.was.Suspended && p.uninvited(), d.resent(p):
		return NoticeInvitation
	case p.was.Suspended:
		return NoticeRestored
	case p.moves():
		return NoticeEmail
	case slices.ContainsFunc(access, func(c accessChange) bool { return p.matters(c, d.today) }):
		return NoticeAccess
	case len(d.roles[p.is.Name]) > 0:
		return NoticeRole
	}
	return ""
}

func (p pair) activated() bool { return !p.account.Activated.IsZero() }

// moves reports whether a person who stays gets another address.
func (p pair) moves() bool {
	return p.was != nil && p.is != nil && p.was.EmailKey != p.is.EmailKey
}

// uninvited reports whether the person has no invitation and needs one: added,
// or given another address, while suspended.
func (p pair) uninvited() bool {
	return p.account.ID != "" && p.account.Issue == 0 && !p.activated()
}

// movedUninvited reports whether the invitation went to an address that is no
// longer the person's, and the next one waits until they are restored.
func (p pair) movedUninvited() bool {
	return p.moves() && p.is.Suspended && p.account.Issue > 0 && !p.activated()
}

// resent reports whether the manifest asks for the invitation again.
func (d *differ) resent(p pair) bool {
	return p.account.ID != "" && p.account.Activated.IsZero() && p.is.Generation > max(1, p.account.Generation)
}

// accessLines fills in what a message says of access: what changed, and all there
// is from today on.
func (d *differ) accessLines(n *Notice, p pair, changes []accessChange) {
	contracts := map[string]bool{}
	if p.was == nil { // whoever is new gains all there is
		n.Access = d.linesAhead(p.is)
		n.Gained, changes = n.Access, nil
	}
	for _, c := range changes {
		if p.matters(c, d.today) {
			d.changeLine(n, p, c)
		}
	}
	if n.Kind == NoticeSuspended {
		n.Gained, n.Altered, n.Lost = nil, nil, d.linesAhead(p.was)
	}
	for _, lines := range [][]AccessLine{n.Gained, n.Lost, n.Altered} {
		for _, line := range lines {
			contracts[line.Contract] = true
		}
	}
	if n.Kind != NoticeSuspended && p.is != nil {
		if p.was != nil {
			n.Access = d.linesAhead(p.is)
		}
		for _, line := range n.Access {
			contracts[line.Contract] = true
		}
	}
	for _, role := range n.Roles {
		contracts[role.Contract] = true
	}
	n.Support = d.support(contracts)
	for _, lines := range [][]AccessLine{n.Gained, n.Lost, n.Altered, n.Access} {
		sortLines(lines)
	}
}

// changeLine adds the line about one change of access. What was over, or is to
// be over, before today counts as not there.
func (d *differ) changeLine(n *Notice, p pair, c accessChange) {
	was, is := c.was != nil && c.was.Until >= d.today, c.is != nil && c.is.Until >= d.today
	switch {
	case is && !was:
		n.Gained = append(n.Gained, d.accessLine(c.is))
	case was && !is && (p.is == nil || !covered(c.was, p.is.Access, d.today)):
		n.Lost = append(n.Lost, d.accessLine(c.was))
	case was && is && (c.was.Span != c.is.Span || c.was.Contract != c.is.Contract):
		line := d.accessLine(c.is)
		line.Was, line.WasContract = c.was.Span, c.was.Contract
		n.Altered = append(n.Altered, line)
	}
}

// linesAhead lists all the access that a person has today or later.
func (d *differ) linesAhead(u *spec.User) []AccessLine {
	lines := make([]AccessLine, 0, len(u.Access))
	for i := range u.Access {
		if g := &u.Access[i]; g.Until >= d.today {
			lines = append(lines, d.accessLine(g))
		}
	}
	return lines
}

func sortLines(lines []AccessLine) {
	slices.SortFunc(lines, func(a, b AccessLine) int {
		return cmp.Or(
			strings.Compare(a.Title, b.Title),
			strings.Compare(a.Contract, b.Contract),
			cmp.Compare(a.Span.From, b.Span.From),
		)
	})
}

func (d *differ) accessLine(g *spec.Grant) AccessLine {
	p := orZero(orOther(d.Wanted.Product(g.Product), d.True.Roster.Product(g.Product)))
	return AccessLine{Title: p.Title, Type: p.Type, Contract: g.Contract, Span: g.Span, Reason: g.Reason}
}

// support lists the support addresses of contracts, distinct and sorted.
func (d *differ) support(contracts map[string]bool) []string {
	var list []string
	for name := range contracts {
		c := orOther(d.Wanted.Contract(name), d.True.Roster.Contract(name))
		if c != nil && c.SupportEmail != "" {
			list = append(list, c.SupportEmail)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// stewards adds, for each contract manager, the message about others' roles.
func (d *differ) stewards() {
	for _, manager := range slices.Sorted(maps.Keys(d.told)) {
		u := d.Wanted.User(manager)
		d.send(Notice{
			Kind: NoticeSteward, To: u.Email, Person: personOf(u), Roles: d.told[manager],
			account: d.accountOf(manager), name: u.Name,
		})
	}
}
