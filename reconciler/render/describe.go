package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"usher/spec"
	"usher/state"
)

// DescribeFormats of one person; the first is the default.
var DescribeFormats = Formats{Text, JSON, YAML}

// Dossier is everything about one person.
type Dossier struct {
	Account  state.Account
	User     *spec.User // nil once removed
	Roster   *spec.Roster
	Today    spec.Day
	Messages []state.Message  // newest first
	History  []state.Event    // oldest first
	Signers  map[int64]string // by revision: who signed its commit; nobody where manifests came unsigned
}

// dossierItem is a person in JSON: the user as `get users` shows it, and more.
type dossierItem struct {
	userItem
	Created   string        `json:"created"`
	Invited   string        `json:"invited"`
	Expires   string        `json:"expires"`
	Activated string        `json:"activated"`
	Removed   string        `json:"removed"`
	Origin    *spec.Origin  `json:"declared"`
	Teams     []string      `json:"teams"`
	Grants    []accessItem  `json:"grants"`
	Messages  []messageItem `json:"messages"`
	History   []eventItem   `json:"history"`
}

type eventItem struct {
	Revision int64         `json:"revision"`
	At       string        `json:"at"`
	Signer   string        `json:"signer,omitempty"`
	Action   string        `json:"action"`
	Kind     string        `json:"kind"`
	Contract string        `json:"contract,omitempty"`
	Product  string        `json:"product,omitempty"`
	Role     string        `json:"role,omitempty"`
	Field    string        `json:"field,omitempty"`
	From     string        `json:"from,omitempty"`
	To       string        `json:"to,omitempty"`
	Because  []spec.Origin `json:"because"`
}

// Describe writes everything about one person in one of [DescribeFormats].
func Describe(w io.Writer, d Dossier, f Format, o Options) error {
	switch f {
	case Text:
		return write(w, d.text(o))
	case JSON:
		return writeJSON(w, List{Items: []dossierItem{d.item()}}.envelope())
	case YAML:
		return writeYAML(w, List{Items: []dossierItem{d.item()}}.envelope())
	}
	return fmt.Errorf("%w %q for a person: use one of %s", ErrFormat, f, DescribeFormats)
}

// alone is the truth about this person only.
func (d Dossier) alone() *state.Truth {
	t := &state.Truth{Roster: &spec.Roster{Contracts: d.Roster.Contracts}, Accounts: map[string]state.Account{d.Account.Name: d.Account}}
	if d.User != nil {
		t.Roster.Users = []spec.User{*d.User}
	}
	return t
}

func (d Dossier) item() dossierItem {
	var removed []state.Account
	if d.User == nil {
		removed = []state.Account{d.Account}
	}
	a := d.Account
	item := dossierItem{
		userItem: Users(d.alone(), removed).Items.([]userItem)[0],
		Created:  moment(a.Created), Invited: moment(a.Invited), Expires: moment(a.Expires),
		Activated: moment(a.Activated), Removed: moment(a.Removed),
		Teams:    orEmpty(d.teams()),
		Grants:   Access(d.alone(), "", AccessFilter{}).Items.([]accessItem),
		Messages: Messages(d.Messages).Items.([]messageItem),
		History:  make([]eventItem, len(d.History)),
	}
	if d.User != nil {
		item.Origin = &d.User.Origin
	}
	for i, e := range d.History {
		item.History[i] = eventItem{e.Revision, moment(e.At), d.Signers[e.Revision], e.Action, e.Kind, e.Contract, e.Product, e.Role, e.Field, e.From, e.To, orEmpty(e.Because)}
	}
	return item
}

// teams is the teams that name the person as a member.
func (d Dossier) teams() []string {
	var names []string
	for _, team := range d.Roster.Teams {
		if d.User != nil && slices.Contains(team.Members, d.User.Name) {
			names = append(names, team.Name)
		}
	}
	return names
}

func (d Dossier) text(o Options) string {
	t := &page{painter: painter{o.Color}, full: true}
	fullName := strings.TrimSpace(d.Account.FirstName + " " + d.Account.LastName)
	t.line(t.title(cmp.Or(fullName, d.Account.Email))) // who was forgotten has no name
	for _, line := range columns("  ", d.facts()) {
		t.line(line)
	}
	t.section("Access")
	t.grants(d)
	t.section("Messages")
	t.sent(d.Messages)
	t.section("History")
	t.events(d.History, d.Signers)
	return t.String()
}

// facts is the name-and-value lines at the top.
func (d Dossier) facts() [][]string {
	a := d.Account
	rows := [][]string{{"name", a.Name}, {"e-mail", a.Email}, {"status", d.status()}}
	for _, r := range rolesByUser(d.Roster)[a.Name] {
		rows = append(rows, []string{"role", roleName(r.Role) + " of " + r.Contract})
	}
	for _, team := range d.teams() {
		rows = append(rows, []string{"team", team})
	}
	if d.User != nil && d.User.Origin.File != "" {
		rows = append(rows, []string{"declared", Place(d.User.Origin)})
	}
	return append(rows, []string{"account", a.ID})
}

// status is the status and what it follows from.
func (d Dossier) status() string {
	a := d.Account
	switch a.Status {
	case state.Invited:
		return "invited on " + day(a.Invited) + "; the invitation opens until " + moment(a.Expires)
	case state.Expired:
		return "expired: the invitation of " + day(a.Invited) + " was not accepted by " + moment(a.Expires) + "; usher invitation resend " + a.Name
	case state.Active:
		return "active since " + day(a.Activated)
	case state.Removed:
		return "removed on " + day(a.Removed)
	}
	return string(a.Status)
}

func (t *page) grants(d Dossier) {
	if d.User == nil || len(d.User.Access) == 0 {
		t.line("  none")
		return
	}
	rows := make([][]string, len(d.User.Access))
	for i, g := range d.User.Access {
		rows[i] = []string{g.Product, "under " + g.Contract, g.Span.String(), standing(g, d.Today, d.User.Suspended), g.Reason}
	}
	for i, line := range columns("  ", rows) {
		t.line(line + t.origins(d.User.Access[i].Because))
	}
}

// standing says whether a grant is in force today.
func standing(g spec.Grant, today spec.Day, suspended bool) string {
	switch {
	case suspended:
		return "suspended"
	case today < g.From:
		return "to come"
	case today > g.Until:
		return "ended"
	}
	return "in force"
}

func (t *page) sent(list []state.Message) {
	if len(list) == 0 {
		t.line("  none")
		return
	}
	rows := make([][]string, len(list))
	for i, m := range list {
		rows[i] = []string{"#" + strconv.FormatInt(m.ID, 10), moment(m.CreatedAt), string(m.State), m.Kind, m.Subject, m.LastError}
	}
	for _, line := range columns("  ", rows) {
		t.line(line)
	}
}

func (t *page) events(list []state.Event, signers map[int64]string) {
	if len(list) == 0 {
		t.line("  none")
		return
	}
	rows := make([][]string, len(list))
	for i, e := range list {
		revision := fmt.Sprintf("revision %d", e.Revision)
		if signer := signers[e.Revision]; signer != "" {
			revision += " signed by " + signer
		}
		rows[i] = []string{moment(e.At), revision, e.Action, EventWords(e)}
	}
	for i, line := range columns("  ", rows) {
		t.line(line + t.origins(list[i].Because))
	}
}

// EventWords is what one line of history is about, in words.
func EventWords(e state.Event) string {
	text := e.Kind
	switch {
	case e.Product != "":
		text = e.Product + " under " + e.Contract
	case e.Role != "":
		text = roleName(spec.Role(e.Role)) + " of " + e.Contract
	case e.Field != "":
		text = e.Field
	}
	switch {
	case e.From != "" && e.To != "":
		return text + ": " + e.From + " → " + e.To
	case e.From+e.To != "":
		return text + ": " + e.From + e.To
	}
	return text
}
