package portal

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

func (s *site) supportRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: supportPath, need: signedIn, serve: s.support, menu: "Support"},
		{method: http.MethodPost, pattern: supportPath, need: signedIn, serve: s.askSupport},
	}
}

const supportPath = "/support"

// How much may be written to support, in characters.
const (
	longestTopic = 150
	longestText  = 5000
)

// supportPage is the form by which somebody writes to the support of a contract
// (DOMAIN.md row 19).
type supportPage struct {
	Desks    []desk
	Ask      []offering // whom to ask where no contract names an address
	Contract string     // what was chosen and typed
	Topic    string
	Text     string
	Wrong    map[string]string // by field: what is wrong with it
	Longest  int
	Off      bool // this site sends no messages
}

// desk is where the support of a contract is written to.
type desk struct{ Contract, Email string }

func (s *site) support(w http.ResponseWriter, r *http.Request) {
	p, _, err := s.supportDesks(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, "support", "Support", p)
}

// supportDesks finds the desks that somebody may write to: those of contracts that
// have to do with them, and where none of these has one, all there are.
func (s *site) supportDesks(r *http.Request) (supportPage, *state.Catalogue, error) {
	catalogue, grants, err := s.holdings(r.Context(), viewerOf(r))
	if err != nil {
		return supportPage{}, nil, err
	}
	shelf := shelf{catalogue, grants, spec.DayOf(s.Now())}
	concerned := shelf.concerned(viewerOf(r))
	p := supportPage{Longest: longestText, Off: s.Control.Suppress}
	var others []desk
	for _, c := range catalogue.Roster.Contracts {
		d := desk{c.Name, c.SupportEmail}
		switch {
		case d.Email == "":
		case slices.Contains(concerned, c.Name):
			p.Desks = append(p.Desks, d)
		default:
			others = append(others, d)
		}
	}
	if len(p.Desks) == 0 {
		p.Desks = others
	}
	for _, name := range concerned {
		p.Ask = append(p.Ask, offering{Contract: name, Ask: contactsOf(catalogue, name)})
	}
	return p, catalogue, nil
}

func (s *site) askSupport(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	p, catalogue, err := s.supportDesks(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p.read(r)
	switch {
	case p.Off:
		s.fail(w, r, errNoMail)
		return
	case len(p.Wrong) > 0:
		s.renderStatus(w, r, http.StatusUnprocessableEntity, "support", "Support", p)
		return
	}
	switch err := s.send(r, p, catalogue.Roster.Contract(p.Contract)); {
	case errors.Is(err, state.ErrTooMany):
		p.Wrong = map[string]string{"": fmt.Sprintf("You have written several times within the hour. Wait a while before you send this, or write to %s by e-mail.", p.email())}
		s.renderStatus(w, r, http.StatusTooManyRequests, "support", "Support", p)
	case err != nil:
		s.fail(w, r, err)
	default:
		s.leadSaying(w, r, supportPath, fmt.Sprintf("Your message is on its way to %s. The answer comes to %s.", p.email(), viewerOf(r).Email()))
	}
}

var errNoMail = refusal{http.StatusServiceUnavailable, "This site sends no messages", "Write to the support of your contract by e-mail: the page Support shows the address."}

// read takes what was typed, and says what is wrong with it.
func (p *supportPage) read(r *http.Request) {
	p.Contract, p.Topic = r.PostFormValue("contract"), strings.TrimSpace(r.PostFormValue("topic"))
	p.Text, p.Wrong = strings.TrimSpace(r.PostFormValue("text")), map[string]string{}
	if p.email() == "" {
		p.Wrong["contract"] = "Choose which contract it is about."
	}
	switch n := utf8.RuneCountInString(p.Topic); {
	case n == 0:
		p.Wrong["topic"] = "Say in a few words what it is about."
	case n > longestTopic:
		p.Wrong["topic"] = fmt.Sprintf("It has %d characters, and may have %d. The rest fits below.", n, longestTopic)
	}
	switch n := utf8.RuneCountInString(p.Text); {
	case n == 0:
		p.Wrong["text"] = "Write what you need, or what went wrong."
	case n > longestText:
		p.Wrong["text"] = fmt.Sprintf("It has %s characters, and may have %s. Send the rest when you are answered.", grouped(n), grouped(longestText))
	}
}

// email is the address of the desk that was chosen.
func (p *supportPage) email() string {
	for _, d := range p.Desks {
		if d.Contract == p.Contract {
			return d.Email
		}
	}
	return ""
}

// send queues the message.
func (s *site) send(r *http.Request, p supportPage, to *spec.Contract) error {
	a := viewerOf(r).account
	err := s.Control.AskSupport(r.Context(), s.Owner, a.ID, reconciler.SupportRequest{
		From:     reconciler.Person{Name: a.Name, Email: a.Email, FirstName: a.FirstName, LastName: a.LastName},
		Contract: p.Contract, Subject: p.Topic, Text: p.Text,
	}, to)
	if err == nil && s.Queued != nil {
		s.Queued()
	}
	return err
}
