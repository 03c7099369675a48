package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"usher/spec"
	"usher/state"
)

// Where people are led who have yet to sign in, or to choose a password.
const (
	signInPath    = "/sign-in"
	choosePath    = "/password/choose"
	forgottenPath = "/password/forgotten"
	resetPath     = "/password/reset"
)

func (s *site) signInRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: signInPath, need: open, serve: s.signInPage},
		{method: http.MethodPost, pattern: signInPath, need: open, serve: s.signIn},
		{method: http.MethodGet, pattern: "/activate", need: open, serve: s.activatePage},
		{method: http.MethodGet, pattern: choosePath, need: choosing, serve: s.choosePage},
		{method: http.MethodPost, pattern: choosePath, need: choosing, serve: s.choose},
		{method: http.MethodGet, pattern: forgottenPath, need: open, serve: s.forgottenPage},
		{method: http.MethodPost, pattern: forgottenPath, need: open, serve: s.forgotten},
		{method: http.MethodGet, pattern: resetPath, need: open, serve: s.resetPage},
		{method: http.MethodPost, pattern: resetPath, need: open, serve: s.reset},
	}
}

// signInForm is what the sign-in page shows.
type signInForm struct {
	Email, Next string
	Newcomer    bool     // who follows the link of an invitation
	Problem     string   // what was wrong with the last try
	Support     []string // whom to ask who has no account (DOMAIN.md row 22)
}

// mostSupport is how many addresses are named to people of whom nothing is known.
const mostSupport = 3

func (s *site) signInPage(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if viewerOf(r).kind == member {
		s.lead(w, r, next)
		return
	}
	s.showSignIn(w, r, http.StatusOK, signInForm{Next: next, Email: r.URL.Query().Get("user")})
}

// activatePage is where the link of an invitation leads. The address in it only fills
// in a field, so it opens nothing, and whatever follows links in messages uses up
// nothing.
func (s *site) activatePage(w http.ResponseWriter, r *http.Request) {
	switch viewerOf(r).kind {
	case newcomer:
		s.lead(w, r, choosePath)
	case member:
		s.lead(w, r, "/")
	default:
		s.showSignIn(w, r, http.StatusOK, signInForm{Email: r.URL.Query().Get("user"), Newcomer: true})
	}
}

func (s *site) showSignIn(w http.ResponseWriter, r *http.Request, status int, form signInForm) {
	var err error
	if form.Support, err = s.contacts(r.Context(), ""); err != nil {
		s.fail(w, r, err)
		return
	}
	title := "Sign in"
	if form.Newcomer {
		title = "Activate your account"
	}
	s.renderStatus(w, r, status, "signin", title, form)
}

// contacts is whom to ask: of the contracts of an account, by its id, or of all of them
// where there is none or it has no contract. Too many are of no help to anybody.
func (s *site) contacts(ctx context.Context, account string) ([]string, error) {
	addresses, err := s.DB.SupportEmails(ctx, account)
	if err == nil && len(addresses) == 0 && account != "" {
		addresses, err = s.DB.SupportEmails(ctx, "")
	}
	if len(addresses) > mostSupport {
		addresses = nil
	}
	return addresses, err
}

// signIn tries an address with a password: the person's own, or the given one of an
// invitation, which leads to one page only (DOMAIN.md row 16).
func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	form := signInForm{
		Email: strings.TrimSpace(r.PostForm.Get("email")), Next: localPath(r.PostForm.Get("next")),
		Newcomer: r.PostForm.Get("newcomer") != "",
	}
	key, client := spec.FoldEmail(form.Email), s.clientOf(r)
	if wait := s.attempts.begin("sign-in "+key, client); wait > 0 {
		form.Problem = tooOften(w, wait)
		s.showSignIn(w, r, http.StatusTooManyRequests, form)
		return
	}
	who, err := s.try(r.Context(), key, r.PostForm.Get("password"))
	if errors.Is(err, errWrong) {
		form.Problem = "The address and the password do not belong together. Mind capital letters, and that the given password of an invitation is another than your own."
		s.showSignIn(w, r, http.StatusUnprocessableEntity, form)
		return
	}
	if err == nil || errors.As(err, new(closedDoor)) {
		s.attempts.passed("sign-in "+key, client)
	}
	s.enter(w, r, who, form.Next, err)
}

// enter lets in whoever opened their account, or says why not.
func (s *site) enter(w http.ResponseWriter, r *http.Request, who opened, next string, err error) {
	var door closedDoor
	if errors.As(err, &door) {
		s.showDoor(w, r, door)
		return
	}
	if err == nil {
		err = s.begin(r.Context(), who)
	}
	switch {
	case err != nil:
		s.fail(w, r, err)
	case who.given > 0:
		s.lead(w, r, choosePath)
	default:
		s.lead(w, r, next)
	}
}

// opened is an account that somebody opened.
type opened struct {
	account state.Account
	given   int    // number of the invitation whose given password they used; 0: their own
	hash    string // of their own password, as it was then (PHC); empty for a given one
}

// errWrong: no account has this address and password. Whether there is an account, and
// in what state, is only for those who know its password.
var errWrong = errors.New("wrong address or password")

// try measures a password against what belongs to a folded address. It does the same
// work whether there is such an account or not, and whatever its state: one run of
// argon2id and one look at the invitations.
func (s *site) try(ctx context.Context, emailKey, password string) (opened, error) {
	c, err := s.DB.Credential(ctx, emailKey)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return opened{}, err
	}
	own, err := s.hasher.fits(ctx, password, c.Hash)
	if err != nil {
		return opened{}, err
	}
	given, err := s.DB.Given(ctx, c.Account.ID, password)
	switch {
	case err != nil:
		return opened{}, err
	case own && c.Account.Status == state.Active:
		return opened{account: c.Account, hash: c.Hash}, nil
	case own || given > 0:
		return s.byStatus(c.Account, given)
	}
	return opened{}, errWrong
}

// byStatus is what becomes of somebody who knows a password of an account that this
// password does not open, or not yet.
func (s *site) byStatus(a state.Account, given int) (opened, error) {
	superseded := given != a.Issue
	switch {
	case a.Status == state.Removed:
		return opened{}, closedDoor{a, doorRemoved}
	case a.Status == state.Suspended:
		return opened{}, closedDoor{a, doorSuspended}
	case given == 0:
		return opened{}, errWrong
	case a.Status == state.Active:
		return opened{}, closedDoor{a, doorUsed}
	case a.Status == state.Expired:
		return opened{}, closedDoor{a, doorExpired}
	case superseded:
		return opened{}, closedDoor{a, doorSuperseded}
	}
	return opened{account: a, given: given}, nil
}

// localPath is a path of this site, or its beginning where it is anything else: an
// address given in a link never leads away from here.
func localPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsFunc(to, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return "/"
	}
	return to
}

// originOf is scheme and host of an address.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}
