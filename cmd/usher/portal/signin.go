package portal

import (
	"net/http"
	"net/url"
	"strings"
)

// Where people are led who have yet to sign in, or to choose a password.
const (
	signInPath = "/sign-in"
	choosePath = "/password/choose"
)

func (s *site) signInRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: signInPath, need: open, serve: s.signInPage},
	}
}

// signInForm is what the sign-in page shows.
type signInForm struct {
	Email, Next string
}

func (s *site) signInPage(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.FormValue("next"))
	if viewerOf(r).kind == member {
		s.lead(w, r, next)
		return
	}
	s.render(w, r, "signin", "Sign in", signInForm{Next: next})
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
