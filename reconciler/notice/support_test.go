package notice_test

import (
	"strings"
	"testing"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/state"
)

// A support desk answers a person, and its programs must not take what a person
// wrote for a machine's (RFC 3834 section 5).
func TestSupportIsWrittenByAPerson(t *testing.T) {
	r := parse(t, compose(t, writer(t, online), notice.Sample(reconciler.NoticeSupport)))
	for name, want := range map[string]string{
		"Auto-Submitted": "",
		"Reply-To":       "<ada@acme.example>",
		"To":             `"acme-design support" <cad-help@acme.example>`,
		"Subject":        "Support: AutoCAD does not start",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// What somebody types is text: it makes no header, no element, no given password.
func TestNothingBreaksOutOfSupport(t *testing.T) {
	attack := "x\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>\u2028\u202eevil\x00 =?utf-8?q?evil?= " + state.Placeholder
	n := notice.Sample(reconciler.NoticeSupport)
	n.Request.Subject, n.Request.Text, n.Request.Contract = attack, attack, attack
	n.Request.From = reconciler.Person{Name: attack, FirstName: attack, LastName: attack, Email: attack}
	n.Person.FirstName = attack
	r := parse(t, compose(t, writer(t, online), n))
	if got := r.header.Get("Bcc"); got != "" {
		t.Errorf("a header was injected: Bcc: %s", got)
	}
	if strings.Contains(r.html, "<script") {
		t.Errorf("the HTML has a script:\n%s", r.html)
	}
	if strings.ContainsAny(r.subject+r.text+r.html, "\u2028\u202e\x00\r") || strings.Contains(r.text+r.html, state.Placeholder) {
		t.Errorf("what does not belong there came through:\n%s", r.text)
	}
	if !strings.Contains(r.text, "\nBcc: eve@evil.example\n\n<script>alert(1)</script>") {
		t.Errorf("the lines of the text are not as they were typed:\n%s", r.text)
	}
}
