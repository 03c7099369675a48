package portal

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"usher/spec"
	"usher/spec/edit"
)

// addPage is the form for one person (DOMAIN.md rows 9, 10, 13).
type addPage struct {
	Email, First, Last string
	Offers             offerList
	Days               daysField
	Problem            formProblem
}

// addListPage is the form for people in bulk (DOMAIN.md row 12).
type addListPage struct {
	Name, Users string
	Most        int // entries of a list
	Offers      offerList
	Days        daysField
	Problem     formProblem
	Entries     []fieldProblem // what is wrong with the text, entry by entry
}

func (s *site) addForm(w http.ResponseWriter, r *http.Request) {
	offers, err := s.ownOffers(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, "add", "Add a user", addPage{Offers: offers})
}

// ownOffers is what whoever asks can give.
func (s *site) ownOffers(r *http.Request) (offerList, error) {
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		return nil, err
	}
	return s.offers(r.Context(), catalogue, viewerOf(r).contracts(stewardOf))
}

func (s *site) add(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	offers, err := s.ownOffers(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	p := addPage{Email: field("email"), First: field("first"), Last: field("last"), Offers: offers, Days: daysOf(r.PostForm)}
	d, err := s.draftAddition(r.Context(), p.Offers, r.PostForm["has"], p.Days, func(t *edit.Tree, access []edit.Access) error {
		_, err := t.AddUser("", edit.User{Email: p.Email, FirstName: p.First, LastName: p.Last, Access: access})
		return err
	})
	if err != nil {
		p.Offers.keep(r.PostForm["has"])
		s.comeBack(w, r, err, personFields, func(problem formProblem) {
			if p.Problem = problem; errors.Is(err, edit.ErrDeclared) {
				p.Problem = formProblem{Wrong: map[string]fieldProblem{"email": {problem.Lines[0], "Edit Access changes what somebody who is there may use."}}}
			}
			s.renderStatus(w, r, http.StatusUnprocessableEntity, "add", "Add a user", p)
		})
		return
	}
	s.propose(w, r, d, proposed{"add " + p.First + " " + p.Last, "add-" + spec.FoldEmail(p.Email), offers.contractsOf(r.PostForm["has"])})
}

// Fields of forms by what manifests call them.
var (
	personFields = map[string]string{"email": "email", "firstName": "first", "lastName": "last", "reason": "reason"}
	accessFields = map[string]string{"reason": "reason"}
)

// draftAddition drafts the manifest of people who are new, with what is ticked for
// them.
func (s *site) draftAddition(ctx context.Context, offers offerList, ticked []string, days daysField, add func(*edit.Tree, []edit.Access) error) (*draft, error) {
	seats, err := offers.seatsOf(ticked)
	if err != nil {
		return nil, err
	}
	access, err := offers.access(seats, days, spec.DayOf(s.Now()))
	if err != nil {
		return nil, err
	}
	return s.draft(ctx, func(t *edit.Tree) error { return add(t, access) })
}

// fieldNamed is the field that an error begins with the name of: "email: …",
// "firstName is empty", "spec.access[0].reason has 600 characters".
func fieldNamed(reason string, fields map[string]string) string {
	name, _, _ := strings.Cut(reason, " ")
	name = strings.TrimSuffix(name, ":")
	return cmp.Or(fields[name], fields[name[strings.LastIndexByte(name, '.')+1:]])
}

// plainProblem is an error of a manifest in the words of a form, which has neither
// lines nor field names.
func plainProblem(e *spec.Error) fieldProblem {
	if e.Code == "required" {
		return fieldProblem{"This is needed.", ""}
	}
	_, reason, named := strings.Cut(e.Reason, ": ")
	if !named {
		reason = e.Reason
	}
	return fieldProblem{reason, e.Hint}
}

func (s *site) addListForm(w http.ResponseWriter, r *http.Request) {
	offers, err := s.ownOffers(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, "addlist", "Add a list of users", addListPage{
		Name: "added-" + spec.DayOf(s.Now()).String(), Most: spec.MaxListUsers, Offers: offers,
	})
}

func (s *site) addList(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	offers, err := s.ownOffers(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := addListPage{
		Name: strings.TrimSpace(r.PostForm.Get("name")), Users: r.PostForm.Get("users"),
		Most: spec.MaxListUsers, Offers: offers, Days: daysOf(r.PostForm),
	}
	d, err := s.draftAddition(r.Context(), p.Offers, r.PostForm["has"], p.Days, func(t *edit.Tree, access []edit.Access) error {
		_, err := t.AddUserList("", edit.UserList{Name: p.Name, Users: p.Users, Access: access})
		return err
	})
	if err != nil {
		p.Offers.keep(r.PostForm["has"])
		s.comeBack(w, r, err, accessFields, func(problem formProblem) {
			p.sortOut(err, problem)
			s.renderStatus(w, r, http.StatusUnprocessableEntity, "addlist", "Add a list of users", p)
		})
		return
	}
	s.propose(w, r, d, proposed{"add the list " + p.Name, "list-" + p.Name, offers.contractsOf(r.PostForm["has"])})
}

// sortOut puts what is wrong beside the text, or the name, that it is wrong with.
func (p *addListPage) sortOut(err error, problem formProblem) {
	var refused *edit.RefusedError
	if !errors.As(err, &refused) {
		p.Problem = problem
		return
	}
	for _, e := range refused.Errors {
		one := fieldProblem{strings.TrimPrefix(e.Reason, "spec."), e.Hint}
		switch {
		case fieldNamed(e.Reason, map[string]string{"metadata.name": "name", "name": "name"}) != "":
			p.Problem.mark("name", plainProblem(e))
		case fieldNamed(e.Reason, accessFields) != "":
			p.Problem.mark("reason", plainProblem(e))
		case strings.HasPrefix(e.Subject, "UserList") || strings.HasPrefix(e.Reason, "users"):
			if e.Code == "required" {
				one = fieldProblem{"This is needed.", ""}
			}
			p.Problem.mark("users", one)
			p.Entries = append(p.Entries, one)
		case !slices.Contains(p.Problem.Lines, e.Message()):
			p.Problem.Lines, p.Problem.Hint = append(p.Problem.Lines, e.Message()), e.Hint
		}
	}
}
