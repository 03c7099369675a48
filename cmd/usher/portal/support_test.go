package portal

import (
	"bytes"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strings"
	"testing"

	"usher/state"
)

// asked returns the messages to support that are in the outbox.
func (f *firm) asked() []state.Message {
	f.Helper()
	all, err := f.db.Messages(f.Context(), state.MessageQuery{})
	f.must(err)
	var found []state.Message
	for _, m := range all {
		if m.Kind == "support" {
			whole, err := f.db.Message(f.Context(), m.ID)
			f.must(err)
			found = append(found, whole)
		}
	}
	return found
}

func request(contract, topic, text string) url.Values {
	return url.Values{"contract": {contract}, "topic": {topic}, "text": {text}}
}

// DOMAIN.md row 19: support needs nothing but the contract's supportEmail; the
// answer goes to the user.
func TestSupportIsWrittenTo(t *testing.T) {
	f := newFirm(t)
	queued := 0
	f.furnish(Options{Queued: func() { queued++ }})
	eve := f.as("eve")
	eve.get("/support").says(http.StatusOK, "To the support of contract design, design-help@acme.example", "The answer comes to eve@acme.example")
	eve.post("/support", request("design", "CAD does not start", "It ends.\r\n\r\nWhat now?")).leads("/support")
	eve.get("/support").says(http.StatusOK, "Your message is on its way to design-help@acme.example. The answer comes to eve@acme.example.")
	sent := f.asked()
	if len(sent) != 1 || queued != 1 {
		t.Fatalf("%d messages, delivery told of %d; want one", len(sent), queued)
	}
	if m := sent[0]; m.To != "design-help@acme.example" || m.Account != f.account("eve").ID || m.State != state.MessageQueued {
		t.Errorf("queued %+v", m)
	}
	read, err := netmail.ReadMessage(bytes.NewReader(sent[0].Body))
	f.must(err)
	if got := read.Header.Get("Reply-To"); got != "<eve@acme.example>" {
		t.Errorf("Reply-To: %s, want eve's address", got)
	}
	if eve.get("/support"); len(f.asked()) != 1 {
		t.Error("reloading the page wrote again")
	}
}

// Nothing typed becomes a header of the message or an element of the page.
func TestSupportTakesTextAlone(t *testing.T) {
	f := newFirm(t)
	eve := f.as("eve")
	attack := "x\r\nBcc: mallory@evil.example\r\nSubject: y <script>alert(1)</script> =?utf-8?q?z?="
	eve.post("/support", request("design", attack, attack+"\r\n.\r\nQUIT")).leads("/support")
	read, err := netmail.ReadMessage(bytes.NewReader(f.asked()[0].Body))
	f.must(err)
	for _, name := range []string{"Bcc", "Cc"} {
		if got := read.Header.Get(name); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := read.Header["Subject"]; len(got) != 1 || !strings.HasPrefix(got[0], "Support: x Bcc: mallory@evil.example") || strings.Contains(got[0], "=?utf-8?q?z?=") {
		t.Errorf("Subject: %q", got)
	}
	page := eve.post("/support", request("design", attack, ""))
	page.says(http.StatusUnprocessableEntity, "It was not sent yet")
	if n := len(page.elements("script", "")); n != 1 {
		t.Errorf("the page has %d scripts, want the one of the layout", n)
	}
}

// What is wrong is said beside the field, and what was typed stays.
func TestSupportSaysWhatIsWrong(t *testing.T) {
	f := newFirm(t)
	eve := f.as("eve")
	for name, test := range map[string]struct {
		form  url.Values
		wrong map[string]string // by field
	}{
		"nothing": {url.Values{}, map[string]string{"topic": "Say in a few words what it is about.", "text": "Write what you need, or what went wrong."}},
		"blanks":  {request("design", "  ", "\r\n"), map[string]string{"topic": "Say in a few words what it is about.", "text": "Write what you need, or what went wrong."}},
		"too long": {request("design", strings.Repeat("é", 151), strings.Repeat("é", 5001)), map[string]string{
			"topic": "It has 151 characters, and may have 150. The rest fits below.",
			"text":  "It has 5,001 characters, and may have 5,000. Send the rest when you are answered.",
		}},
	} {
		page := eve.post("/support", test.form)
		page.says(http.StatusUnprocessableEntity)
		for _, field := range append(page.elements("input", ""), page.elements("textarea", "")...) {
			id := attribute(field, "id")
			want, wrong := test.wrong[id]
			if id == "" {
				continue
			}
			if got := attribute(field, "aria-invalid") == "true"; got != wrong {
				t.Errorf("%s: %s marked as wrong: %v, want %v", name, id, got, wrong)
			}
			if got := page.described(attribute(field, "aria-describedby")); !strings.Contains(got, want) {
				t.Errorf("%s: %s is described by %q, want %q", name, id, got, want)
			}
		}
		if typed := test.form.Get("text"); strings.TrimSpace(typed) != "" && !strings.Contains(page.body, typed) {
			t.Errorf("%s: what was typed is gone", name)
		}
	}
	// A contract that is not offered to eve is not written to, whatever is sent.
	for _, contract := range []string{"plant", "", "none"} {
		eve.post("/support", request(contract, "x", "y")).says(http.StatusUnprocessableEntity, "It was not sent yet")
	}
	if sent := f.asked(); len(sent) != 0 {
		t.Errorf("%d messages were sent, want none", len(sent))
	}
}

// described is the words of the elements that ids name.
func (r *reply) described(ids string) string {
	r.Helper()
	var words []string
	for _, name := range []string{"span", "small", "p"} {
		for _, n := range r.elements(name, "") {
			if id := attribute(n, "id"); id != "" && strings.Contains(" "+ids+" ", " "+id+" ") {
				words = append(words, textOf(n))
			}
		}
	}
	return strings.Join(words, " ")
}

func TestSupportIsNotWrittenToTooOften(t *testing.T) {
	f := newFirm(t)
	eve := f.as("eve")
	for range 5 {
		eve.post("/support", request("design", "again", "It ends.")).leads("/support")
	}
	page := eve.post("/support", request("design", "again", "It ends, the sixth time."))
	page.says(http.StatusTooManyRequests, "You have written several times within the hour", "design-help@acme.example", "It ends, the sixth time.")
	f.as("ida").post("/support", request("design", "mine, too", "It ends.")).leads("/support")
	if n := len(f.asked()); n != 6 {
		t.Errorf("%d messages, want 6", n)
	}
}

// Where there is nothing to write to, the page says whom to ask.
func TestSupportWithoutDesks(t *testing.T) {
	f := newFirm(t)
	f.write("firm.yaml", strings.NewReplacer("  supportEmail: design-help@acme.example\n", "", "  supportEmail: plant-help@acme.example\n", "").Replace(firmManifests))
	f.apply()
	page := f.as("eve").get("/support")
	page.says(http.StatusOK, "No contract names an address for support.", "For contract design, ask Ada Testada (contract manager)")
	page.lacks("<textarea")
}

// Who has neither access nor a role may write to any desk.
func TestSupportForWhoHasNothing(t *testing.T) {
	f := newFirm(t)
	f.write("nia.yaml", firmPerson("nia", ""))
	f.control.Adopt = true
	f.apply()
	nia := f.as("nia")
	page := nia.get("/support")
	page.says(http.StatusOK, "design (design-help@acme.example)", "plant (plant-help@acme.example)")
	nia.post("/support", request("", "x", "y")).says(http.StatusUnprocessableEntity, "Choose which contract it is about.")
	nia.post("/support", request("plant", "x", "y")).leads("/support")
	if sent := f.asked(); len(sent) != 1 || sent[0].To != "plant-help@acme.example" {
		t.Errorf("sent %+v, want one to plant", sent)
	}
}

// A site that sends no messages does not say that it sent one.
func TestSupportWithoutMail(t *testing.T) {
	f := newFirm(t)
	f.control.Suppress = true
	eve := f.as("eve")
	page := eve.get("/support")
	page.says(http.StatusOK, "This site sends no messages itself", "design-help@acme.example")
	page.lacks("<textarea")
	eve.post("/support", request("design", "x", "y")).says(http.StatusServiceUnavailable, "This site sends no messages")
	if sent := f.asked(); len(sent) != 0 {
		t.Errorf("%d messages were recorded, want none", len(sent))
	}
}
