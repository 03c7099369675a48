package portal

import (
	"context"
	"errors"
	"net/http"

	"usher/state"
)

// doorKind is why somebody who knows a password of an account is not let in.
type doorKind int

const (
	doorExpired    doorKind = iota // the invitation's last day has passed
	doorSuperseded                 // there is a newer invitation
	doorUsed                       // the account is active; the given password has done its work
	doorRemoved
	doorSuspended
)

// closedDoor is an account that does not open, though the password is one of its own.
// Only who knows the password learns that it is there.
type closedDoor struct {
	account state.Account
	kind    doorKind
}

func (d closedDoor) Error() string { return "the account does not open" }

// doorWords are the title and the advice of each.
var doorWords = map[doorKind][2]string{
	doorExpired: {"Your invitation has expired",
		"The given password no longer opens your account, because its last day has passed. Ask for the invitation to be sent again; the new message brings a new given password."},
	doorSuperseded: {"There is a newer invitation",
		"The invitation was sent to you again since, and with that this given password ended. Look for the latest message, and take the given password from there. If it did not arrive, look among unwanted mail, or ask for it to be sent once more."},
	doorUsed: {"Your account is active already",
		"The given password has done its work: you chose a password of your own with it. Sign in with that one. If you no longer know it, choose a new one."},
	doorRemoved: {"This account was removed",
		"It no longer gives access to anything. If you think it should, ask."},
	doorSuspended: {"This account is suspended",
		"It is kept, with its history, and gives no access until it is restored. If you think it should be, ask."},
}

// doorPage is what is shown of a closed door.
type doorPage struct {
	Advice  string
	Support []string
	SignIn  bool // there is a way in: one's own password
}

func (s *site) showDoor(w http.ResponseWriter, r *http.Request, d closedDoor) {
	support, err := s.contacts(r.Context(), d.account.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	words := doorWords[d.kind]
	s.renderStatus(w, r, http.StatusForbidden, "door", words[0], doorPage{words[1], support, d.kind == doorUsed})
}

// passwordForm is what a page shows on which a password is chosen.
type passwordForm struct {
	Email    string
	Code     bool     // a code is asked for
	Shortest int      // characters
	Problems problems // by field
	Support  []string
}

// problems are what is wrong with the fields of a form, by their names.
type problems map[string]string

func (s *site) choosePage(w http.ResponseWriter, r *http.Request) {
	s.showChoose(w, r, http.StatusOK, nil)
}

func (s *site) showChoose(w http.ResponseWriter, r *http.Request, status int, wrong problems) {
	s.renderStatus(w, r, status, "choose", "Choose your password", passwordForm{
		Email: viewerOf(r).account.Email, Shortest: shortestPassword, Problems: wrong,
	})
}

// choose gives the account its owner's own password, which activates it, and signs them
// in under a new token.
func (s *site) choose(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	ctx, a := r.Context(), viewerOf(r).account
	password := r.PostForm.Get("password")
	wrong, err := s.chosen(ctx, r, a)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(wrong) > 0 {
		s.showChoose(w, r, http.StatusUnprocessableEntity, wrong)
		return
	}
	hash, err := s.hasher.hash(ctx, password)
	if err == nil {
		err = s.Owner.Activate(ctx, a.ID, a.Issue, hash)
	}
	if errors.Is(err, state.ErrClosed) {
		s.showDoor(w, r, s.doorNow(ctx, a))
		return
	}
	if err == nil {
		err = s.begin(ctx, opened{account: a, hash: hash})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.leadSaying(w, r, "/", "Your account is active. From now on, sign in with the password you have just chosen.")
}

// chosen says what is wrong with a password that somebody chose for an account: nothing
// where the result is empty.
func (s *site) chosen(ctx context.Context, r *http.Request, a state.Account) (problems, error) {
	password := r.PostForm.Get("password")
	if why := unfit(password, a); why != "" {
		return problems{"password": why}, nil
	}
	if composed(password) != composed(r.PostForm.Get("again")) {
		return problems{"again": "This is not the same as above. Type it twice alike."}, nil
	}
	given, err := s.DB.Given(ctx, a.ID, password)
	if err == nil && given > 0 {
		return problems{"password": "This is the given password. Choose one that nobody has sent you."}, nil
	}
	return nil, err
}

// doorNow is why an account that was open a moment ago no longer is.
func (s *site) doorNow(ctx context.Context, a state.Account) closedDoor {
	now, _, err := s.DB.Known(ctx, a.ID)
	if err != nil {
		return closedDoor{a, doorRemoved}
	}
	var door closedDoor
	if _, err := s.byStatus(now, a.Issue); errors.As(err, &door) {
		return door
	}
	return closedDoor{now, doorSuperseded}
}
