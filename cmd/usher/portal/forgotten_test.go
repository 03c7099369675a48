package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"usher/state"
)

// forget asks for a code, and waits until what follows is done.
func (b *browser) forget(email string) *reply {
	b.Helper()
	got := b.post(forgottenPath, url.Values{"email": {email}})
	b.site.doing.Wait()
	return got
}

func (b *browser) reset(email, code, password string) *reply {
	b.Helper()
	return b.post(resetPath, url.Values{"email": {email}, "code": {code}, "password": {password}, "again": {password}})
}

// A code from the mailbox lets somebody choose another password, once, and every
// session there was ends. Those taken over from elsewhere sign in this way.
func TestForgottenPasswords(t *testing.T) {
	f := newFirm(t)
	told := 0
	f.site.Queued = func() { told++ }
	eve := f.account("eve") // taken over: she has no password
	before := f.as("eve")
	b := f.stranger()
	b.get(forgottenPath).says(http.StatusOK, "Forgotten your password?")
	b.forget("EVE@acme.example").leads(resetPath + "?user=EVE%40acme.example")
	b.get(resetPath+"?user=eve%40acme.example").says(http.StatusOK, "Code from the message")
	code := f.secret(eve.ID, "reset")
	if told != 1 {
		t.Errorf("the post was told %d times, want once", told)
	}
	b.reset("eve@acme.example", "0000-0000-0000-0000", ownPassword).says(http.StatusUnprocessableEntity, "This code does not open")
	b.reset("eve@acme.example", code, "short").says(http.StatusUnprocessableEntity, "at least 12")
	b.reset("eve@acme.example", code, "Eve Testeve 12").says(http.StatusUnprocessableEntity, "your own name")
	b.reset("ida@acme.example", code, ownPassword).says(http.StatusUnprocessableEntity, "This code does not open")
	b.reset("eve@acme.example", strings.ToLower(code), ownPassword).leads("/")
	b.get("/account").says(http.StatusOK, "Your password is changed", "Eve")
	before.get("/account").leads(signInPath + "?next=%2Faccount")
	if got := len(f.letters(eve.ID, "password")); got != 1 {
		t.Errorf("%d messages about the change, want 1", got)
	}
	f.stranger().signIn("eve@acme.example", ownPassword).leads("/")
	f.stranger().reset("eve@acme.example", code, ownPassword+"!").says(http.StatusUnprocessableEntity, "This code does not open")
	f.must(f.db.Verify(t.Context()))
}

// A code ends after an hour, and with a newer one.
func TestResetCodesEnd(t *testing.T) {
	f := newFirm(t)
	eve := f.account("eve")
	f.stranger().forget(eve.Email)
	first := f.secret(eve.ID, "reset")
	f.stranger().forget(eve.Email)
	second := f.secret(eve.ID, "reset")
	f.stranger().reset(eve.Email, first, ownPassword).says(http.StatusUnprocessableEntity, "only the latest one")
	f.pass(state.ResetLife)
	f.stranger().reset(eve.Email, second, ownPassword).says(http.StatusUnprocessableEntity, "for an hour")
}

// Nothing is sent to those who could not use it, nor more than a mailbox wants.
func TestWhoGetsNoCode(t *testing.T) {
	f := newFirm(t)
	nina := f.invite("nina")
	for _, who := range []state.Account{nina, f.account("sam")} {
		f.stranger().forget(who.Email)
		if got := f.letters(who.ID, "reset"); len(got) != 0 {
			t.Errorf("%s, who is %s, was sent a code", who.Name, who.Status)
		}
	}
	eve := f.account("eve")
	for range 5 {
		f.stranger().forget(eve.Email)
		f.pass(time.Minute)
	}
	if got := len(f.letters(eve.ID, "reset")); got != 3 {
		t.Errorf("%d codes within minutes, want 3", got)
	}
	f.stranger().post(forgottenPath, url.Values{"email": {"no address"}}).says(http.StatusUnprocessableEntity, "not an e-mail address")
}

func TestChangingThePassword(t *testing.T) {
	f := newFirm(t)
	b, elsewhere := f.activated("nina"), f.stranger()
	elsewhere.signIn("nina@acme.example", ownPassword).leads("/")
	change := func(current, password string) *reply {
		return b.post("/account/password", url.Values{"current": {current}, "password": {password}, "again": {password}})
	}
	const next = "quite another sentence"
	change("not my password", next).says(http.StatusUnprocessableEntity, "not your present password")
	change(ownPassword, "password1234").says(http.StatusUnprocessableEntity, "first that somebody would try")
	was := b.cookie()
	change(ownPassword, next).leads("/")
	if b.cookie() == was {
		t.Error("the session goes on under the token it had")
	}
	b.get("/account").says(http.StatusOK, "Your password is changed")
	elsewhere.get("/account").leads(signInPath + "?next=%2Faccount")
	f.stranger().signIn("nina@acme.example", ownPassword).says(http.StatusUnprocessableEntity)
	f.stranger().signIn("nina@acme.example", next).leads("/")
	if got := len(f.letters(f.account("nina").ID, "password")); got != 1 {
		t.Errorf("%d messages about the change, want 1", got)
	}
	f.as("eve").post("/account/password", url.Values{"current": {""}, "password": {next}, "again": {next}}).
		says(http.StatusUnprocessableEntity, "choose a new one by e-mail")
}
