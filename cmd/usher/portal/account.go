package portal

import "net/http"

func (s *site) accountRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: "/{$}", need: signedIn, serve: s.home},
		{method: http.MethodGet, pattern: "/account", need: signedIn, serve: s.account, menu: "Your account"},
		{method: http.MethodPost, pattern: "/sign-out", need: open, serve: s.signOut},
		{method: http.MethodPost, pattern: "/sign-out-everywhere", need: signedIn, serve: s.signOutEverywhere},
	}
}

// home leads to the first page of the menu.
func (s *site) home(w http.ResponseWriter, r *http.Request) {
	s.lead(w, r, s.menu(r)[0].Path)
}

func (s *site) account(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, "account", "Your account", nil)
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	s.lead(w, r, signInPath)
}

// signOutEverywhere ends every session of the account, this one included.
func (s *site) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	if err := s.DB.EndSessions(r.Context(), viewerOf(r).account.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	s.signOut(w, r)
}
