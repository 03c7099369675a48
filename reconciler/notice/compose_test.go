package notice_test

import (
	"bytes"
	"flag"
	"html"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/spec"
	"usher/state"
)

var update = flag.Bool("update", false, "write the golden files anew")

// read is a message as a mail program shows it.
type read struct {
	header     netmail.Header
	subject    string
	to         *netmail.Address
	text, html string
}

func parse(t testing.TB, message []byte) read {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatalf("reading the message back: %v\n%s", err, message)
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 {
		t.Fatalf("To = %q, %v; want one address", m.Header.Get("To"), err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	r := read{header: m.Header, subject: subject, to: to[0]}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type = %q, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	r.text = part(t, parts, "text/plain; charset=UTF-8")
	r.html = part(t, parts, "text/html; charset=UTF-8")
	if _, err := parts.NextPart(); err != io.EOF {
		t.Fatalf("after the second part: %v, want the end", err)
	}
	return r
}

func part(t testing.TB, parts *multipart.Reader, kind string) string {
	t.Helper()
	p, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Header.Get("Content-Type"); got != kind {
		t.Fatalf("Content-Type of a part = %q, want %q", got, kind)
	}
	body, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(body), "\r\n", "\n")
}

func writer(t testing.TB, o notice.Options) *notice.Writer {
	t.Helper()
	w, err := notice.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var online = notice.Options{From: "Acme software <usher@acme.example>", URL: "https://software.acme.example/"}

func compose(t testing.TB, w *notice.Writer, n *reconciler.Notice) []byte {
	t.Helper()
	message, err := w.Compose(n, notice.SampleStamp())
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// edit is a sample with something changed.
func edit(kind reconciler.NoticeKind, change func(*reconciler.Notice)) *reconciler.Notice {
	n := notice.Sample(kind)
	change(n)
	return n
}

// letters are all messages whose wording is pinned down, by the name of their golden files.
func letters() map[string]*reconciler.Notice {
	all := map[string]*reconciler.Notice{
		"invitation-again": edit(reconciler.NoticeInvitation, func(n *reconciler.Notice) { n.Again = true }),
		"invitation-bare":  edit(reconciler.NoticeInvitation, bare),
		"restored-bare":    edit(reconciler.NoticeRestored, bare),
		"access-begun":     edit(reconciler.NoticeAccess, func(n *reconciler.Notice) { n.Calendar, n.Lost, n.Altered = true, nil, nil }),
		"access-ended":     edit(reconciler.NoticeAccess, func(n *reconciler.Notice) { n.Calendar, n.Gained, n.Altered = true, nil, nil }),
		"access-removed":   edit(reconciler.NoticeAccess, func(n *reconciler.Notice) { n.Gained, n.Altered = nil, nil }),
		"access-roles":     edit(reconciler.NoticeAccess, func(n *reconciler.Notice) { n.Roles = notice.Sample(reconciler.NoticeRole).Roles }),
		"role-one":         edit(reconciler.NoticeRole, func(n *reconciler.Notice) { n.Roles = n.Roles[:1] }),
		"reminder-bare":    edit(reconciler.NoticeReminder, func(n *reconciler.Notice) { n.Gained, n.Support = nil, nil }),
		"expired-one":      edit(reconciler.NoticeExpired, func(n *reconciler.Notice) { n.Report.Lapsed = n.Report.Lapsed[:1] }),
		"held-by-others":   edit(reconciler.NoticeHeld, func(n *reconciler.Notice) { n.Report.Held.Rules = nil }),
		"refused-one":      edit(reconciler.NoticeRefused, func(n *reconciler.Notice) { n.Report.Refused = n.Report.Refused[:1] }),
		"seats-one":        edit(reconciler.NoticeSeats, func(n *reconciler.Notice) { n.Report.Seats = n.Report.Seats[:1] }),
	}
	for _, kind := range notice.Kinds {
		all[string(kind)] = notice.Sample(kind)
	}
	return all
}

func bare(n *reconciler.Notice) { n.Access, n.Roles, n.Support = nil, nil, nil }

// DOMAIN.md rows 13, 16, 17, 18 and "Who is told": what each message says.
func TestLetters(t *testing.T) {
	with, without := writer(t, online), writer(t, notice.Options{})
	for name, n := range letters() {
		t.Run(name, func(t *testing.T) {
			w := with
			if strings.HasSuffix(name, "-bare") {
				w = without
			}
			message := compose(t, w, n)
			r := parse(t, message)
			golden(t, name+".txt", "Subject: "+r.subject+"\n\n"+r.text)
			golden(t, name+".html", r.html)
			if diff := cmp.Diff(words(r.subject+" "+r.text), words(shown(r.html))); diff != "" {
				t.Errorf("text and HTML do not say the same (-text +HTML):\n%s", diff)
			}
			if len(message) > 4400 {
				t.Errorf("the message has %d bytes; outboxes hold many of them", len(message))
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

var tags = regexp.MustCompile(`(?s)<style>.*</style>|<[^>]*>`)

// shown is the text of a page.
func shown(page string) string { return html.UnescapeString(tags.ReplaceAllString(page, " ")) }

// words are the distinct words of a text, without the numbers of list items.
func words(text string) []string {
	text = regexp.MustCompile(`(?m)^\d\. `).ReplaceAllString(text, "")
	all := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	slices.Sort(all)
	return slices.Compact(all)
}

func TestHeaders(t *testing.T) {
	r := parse(t, compose(t, writer(t, online), notice.Sample(reconciler.NoticeInvitation)))
	want := netmail.Header{
		"Auto-Submitted": {"auto-generated"},
		"Content-Type":   r.header["Content-Type"],
		"Date":           {"Sun, 22 Nov 2026 08:20:05 +0000"},
		"From":           {`"Acme software" <usher@acme.example>`},
		"Message-Id":     {"<sample@usher.example>"},
		"Mime-Version":   {"1.0"},
		"Reply-To":       {"<cad-help@acme.example>"},
		"Subject":        {"Activate your software account"},
		"To":             {`"Ada Lovelace" <ada@acme.example>`},
	}
	if diff := cmp.Diff(want, r.header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestEqualArgumentsGiveEqualBytes(t *testing.T) {
	one, other := writer(t, online), writer(t, online)
	for _, kind := range notice.Kinds {
		first := compose(t, one, notice.Sample(kind))
		for range 10 {
			if again := compose(t, other, notice.Sample(kind)); !bytes.Equal(first, again) {
				t.Fatalf("%s: two compositions differ:\n%s", kind, cmp.Diff(string(first), string(again)))
			}
		}
	}
}

func TestNamesArriveAsWritten(t *testing.T) {
	w := writer(t, online)
	for _, name := range [][2]string{
		{"花子", "三浦"}, {"Þóra", "Ægisdóttir"}, {"عمر", "الخيّام"}, {"Zoë", "O'Neill"}, {"Thị Minh Khai", "Nguyễn"},
		{"அருண்", "குமார்"}, {"מרים", "כהן"}, {"می\u200cخواهم", "زاده"}, {"Ada, \"Countess\"", "Love\\lace"}, {"<b>Bobby</b>", "{{.Password}}"},
		{strings.Repeat("長", 60), strings.Repeat("名", 60)}, {"🙂", "Ünal"},
	} {
		n := notice.Sample(reconciler.NoticeAccess)
		n.Person.FirstName, n.Person.LastName = name[0], name[1]
		full := name[0] + " " + name[1]
		r := parse(t, compose(t, w, n))
		if r.to.Name != full {
			t.Errorf("To shows %q, want %q", r.to.Name, full)
		}
		if !strings.Contains(r.text, "Hello "+full+",\n") {
			t.Errorf("the text does not greet %q:\n%s", full, r.text)
		}
		if !strings.Contains(shown(r.html), full) {
			t.Errorf("the HTML does not show %q:\n%s", full, r.html)
		}
	}
}

func TestAddresses(t *testing.T) {
	w := writer(t, online)
	for _, test := range []struct{ to, want, refused string }{
		{to: "ada@bücher.example", want: "ada@xn--bcher-kva.example"},
		{to: "三浦@acme.example", want: "三浦@acme.example"},
		{to: "o'neill+cad@acme.example", want: "o'neill+cad@acme.example"},
		{to: "ada@acme.example\r\nBcc: eve@evil.example", refused: "is not an e-mail address"},
		{to: "Ada <ada@acme.example>", refused: "is not an e-mail address"},
		{to: "", refused: "is not an e-mail address"},
		{to: state.Placeholder + "@acme.example", refused: "stands for a given password"},
	} {
		n := notice.Sample(reconciler.NoticeInvitation)
		n.To, n.Person.Email = test.to, test.to
		message, err := w.Compose(n, notice.SampleStamp())
		_, subjectErr := w.Subject(n)
		if test.refused != "" {
			if err == nil || subjectErr == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%q: errors %v and %v, want both to say that it %s", test.to, err, subjectErr, test.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.to, err)
			continue
		}
		if got := parse(t, message).to.Address; got != test.want {
			t.Errorf("To = %q, want %q", got, test.want)
		}
	}
}

func TestGivenPasswordStaysWhole(t *testing.T) {
	placeholder := []byte(state.Placeholder)
	w := writer(t, online)
	for length := range 120 {
		n := notice.Sample(reconciler.NoticeInvitation)
		n.Person.FirstName = strings.Repeat("é", length+1)
		message := compose(t, w, n)
		r := parse(t, message)
		if got := bytes.Count(message, placeholder); got != 2 {
			t.Fatalf("the encoded message has the placeholder %d times, want 2", got)
		}
		if !strings.Contains(r.text, "\n"+state.Placeholder+"\n") || !strings.Contains(r.html, state.Placeholder) {
			t.Fatalf("a part lacks the placeholder:\n%s\n%s", r.text, r.html)
		}
	}
}

// A name that reads like the placeholder must not be filled in with a password.
func TestPlaceholderInAName(t *testing.T) {
	n := notice.Sample(reconciler.NoticeInvitation)
	n.Person.LastName = state.Placeholder
	n.Access[0].Reason = "see " + state.Placeholder
	if got := strings.Count(string(compose(t, writer(t, online), n)), state.Placeholder); got != 2 {
		t.Errorf("the placeholder is there %d times, want 2", got)
	}
	if got := strings.Count(string(compose(t, writer(t, online), edit(reconciler.NoticeRemoved, func(n *reconciler.Notice) {
		n.Lost[0].Title = state.Placeholder
	}))), state.Placeholder); got != 0 {
		t.Errorf("a message without a given password has the placeholder %d times, want 0", got)
	}
}

func TestNothingBreaksOut(t *testing.T) {
	attack := "x\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>\u2028\u202eevil\x00"
	w := writer(t, online)
	for _, kind := range notice.Kinds {
		n := notice.Sample(kind)
		n.Person.FirstName, n.Person.LastName = attack, attack
		n.Gained = []reconciler.AccessLine{{Title: attack, Type: spec.ProductType(attack), Contract: attack, Reason: attack, Span: spec.AllTime}}
		n.Access, n.Lost, n.Altered = n.Gained, nil, nil
		n.Roles = []reconciler.RoleLine{{Contract: attack, Role: spec.Role(attack), Person: attack, Email: attack}}
		n.Support = []string{attack}
		r := parse(t, compose(t, w, n))
		if got := r.header.Get("Bcc"); got != "" {
			t.Errorf("%s: a header was injected: Bcc: %s", kind, got)
		}
		if strings.Contains(r.html, "<script") {
			t.Errorf("%s: the HTML has a script:\n%s", kind, r.html)
		}
		if strings.ContainsAny(r.subject+r.to.Name+r.text+r.html, "\u2028\u202e\x00\r") {
			t.Errorf("%s: control characters came through", kind)
		}
	}
}

func TestEncodedWordsAreNotDecoded(t *testing.T) {
	n := edit(reconciler.NoticeAccess, func(n *reconciler.Notice) {
		n.Altered, n.Lost = nil, nil
		n.Gained = []reconciler.AccessLine{{Title: "=?utf-8?q?evil?=", Span: spec.AllTime}}
		n.Person.LastName = "=?utf-8?q?evil?="
	})
	r := parse(t, compose(t, writer(t, online), n))
	if want := "You were given access to = ?utf-8?q?evil?="; r.subject != want {
		t.Errorf("subject %q, want %q", r.subject, want)
	}
	if want := "Ada = ?utf-8?q?evil?="; r.to.Name != want {
		t.Errorf("To shows %q, want %q", r.to.Name, want)
	}
}

func TestRefuses(t *testing.T) {
	w := writer(t, online)
	stamp := notice.SampleStamp()
	stamp.MessageID = "a@b>\r\nBcc: eve@evil.example"
	if message, err := w.Compose(notice.Sample(reconciler.NoticeRole), stamp); err == nil {
		t.Errorf("a Message-ID with a line break was accepted:\n%s", message)
	}
	if _, err := w.Compose(&reconciler.Notice{Kind: "no-such", To: "ada@acme.example"}, notice.SampleStamp()); err == nil {
		t.Error("an unknown kind was composed")
	}
}

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		options notice.Options
		want    string
	}{
		{notice.Options{From: "nobody"}, `sender "nobody" is not an address`},
		{notice.Options{URL: "software.acme.example"}, "expected the beginning of a web address"},
		{notice.Options{URL: "javascript:alert(1)"}, "expected the beginning of a web address"},
		{notice.Options{Templates: "no/such/folder"}, "reading the folder of templates"},
	} {
		if _, err := notice.New(test.options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New(%+v): %v, want it to say %q", test.options, err, test.want)
		}
	}
}

func TestExpiry(t *testing.T) {
	stamp := notice.SampleStamp()
	stamp.Expires = stamp.Time.Add(14 * 24 * time.Hour)
	message, err := writer(t, online).Compose(notice.Sample(reconciler.NoticeInvitation), stamp)
	if err != nil {
		t.Fatal(err)
	}
	if r := parse(t, message); !strings.Contains(r.text, "good for 14 days, until 6 December 2026, 08:20 UTC") {
		t.Errorf("the text does not say how long the invitation is good for:\n%s", r.text)
	}
}

func BenchmarkCompose(b *testing.B) {
	w := writer(b, online)
	for _, kind := range []reconciler.NoticeKind{reconciler.NoticeInvitation, reconciler.NoticeAccess} {
		n, stamp := notice.Sample(kind), notice.SampleStamp()
		b.Run(string(kind), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Compose(n, stamp); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzCompose puts anything at all into the values of an invitation: the message
// still parses, has the headers it should and no other, and its lines fit.
func FuzzCompose(f *testing.F) {
	f.Add("Ada", "Lovelace", "AutoCAD 2027", "acme-design", "CAD-1234", "cad-help@acme.example")
	f.Add("a\r\nBcc: x@y.z", "\r\n\r\n--=_", "=?utf-8?q?x?=", "</title><script>", "\xff\xfe\x00", "a@b\r\nTo: c@d")
	f.Add(state.Placeholder, "UUUU-PASS-", "WORD-UUUU", strings.Repeat("x", 2000), "\u2028\u202e", "")
	w := writer(f, online)
	f.Fuzz(func(t *testing.T, first, last, title, contract, reason, support string) {
		for _, kind := range []reconciler.NoticeKind{reconciler.NoticeInvitation, reconciler.NoticeAccess, reconciler.NoticeSteward} {
			n := notice.Sample(kind)
			n.Person.FirstName, n.Person.LastName = first, last
			n.Gained = []reconciler.AccessLine{{Title: title, Contract: contract, Reason: reason, Span: spec.AllTime}}
			n.Access, n.Lost, n.Altered, n.Support = n.Gained, nil, nil, []string{support}
			n.Roles = []reconciler.RoleLine{{Contract: contract, Role: spec.ContractManager, Person: first, Email: last}}
			checkFuzzed(t, n, compose(t, w, n))
		}
	})
}

func checkFuzzed(t *testing.T, n *reconciler.Notice, message []byte) {
	t.Helper()
	r := parse(t, message)
	known := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Reply-To", "Subject", "To"}
	for name, values := range r.header {
		if !slices.Contains(known, name) || len(values) != 1 {
			t.Errorf("header %s: %q", name, values)
		}
	}
	if r.to.Address != n.To {
		t.Errorf("To = %q, want %q", r.to.Address, n.To)
	}
	for line := range bytes.SplitSeq(message, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	want := 0
	if n.Kind == reconciler.NoticeInvitation {
		want = 2
	}
	if got := bytes.Count(message, []byte(state.Placeholder)); got != want {
		t.Errorf("%s: the placeholder is there %d times, want %d", n.Kind, got, want)
	}
}

// What is stored of a message is small, because the rest is in the pattern of its
// kind.
func TestPatternsAreLikeTheirMessages(t *testing.T) {
	w := writer(t, online)
	for _, kind := range notice.Kinds {
		pattern := w.Pattern(kind)
		if pattern == nil {
			t.Errorf("%s: no pattern", kind)
			continue
		}
		n := notice.Sample(kind)
		n.To, n.Person = "grace@acme.example", reconciler.Person{Name: "grace", Email: "grace@acme.example", FirstName: "Grace", LastName: "Hopper"}
		body := compose(t, w, n)
		if packed := pattern.Pack(body); packed.Len() > len(body)/5 {
			t.Errorf("%s: %d bytes are stored as %d, want a fifth at most", kind, len(body), packed.Len())
		}
	}
	if w.Pattern("no-such") != nil {
		t.Error("a kind that does not exist has a pattern")
	}
}
