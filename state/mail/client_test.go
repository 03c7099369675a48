package mail_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
	"usher/state/mail"
)

const letter = "From: usher@acme.example\r\nTo: ada@acme.example\r\nMessage-ID: <1@acme.example>\r\n\r\n" +
	"Hello.\r\n.\r\n..two dots\r\nUUUU\r\n"

var message = state.Message{ID: 1, Kind: "access", To: "ada@acme.example"}

func open(t *testing.T, where string, change ...func(*mail.Settings)) mail.Transport {
	t.Helper()
	s := mail.Settings{Where: where, From: "usher <usher@acme.example>", Timeout: 400 * time.Millisecond}
	for _, c := range change {
		c(&s)
	}
	transport, err := mail.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { transport.Close() })
	return transport
}

// class is that of a delivery's outcome: "sent", or its failure's.
func class(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "sent"
	}
	failure, ok := errors.AsType[*mail.Failure](err)
	if !ok {
		t.Fatalf("%v is a %T, want a *Failure", err, err)
	}
	return failure.Class.String()
}

// password gives a setting a file with the password.
func password(t *testing.T, word string) func(*mail.Settings) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(word+"\nnot this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(s *mail.Settings) { s.PasswordFile = file }
}

// RELIABILITY.md, "Mail": each command met in each way.
func TestEveryStep(t *testing.T) { eachDialogue(t, everyStep) }

func everyStep(t *testing.T, offers ...string) {
	ways := []behaviour{"450 later", "550 never", hang, hangUp, garbage, slowly}
	for step, want := range map[string][6]string{
		"greeting": {"again", "paused", "again", "again", "again", "sent"},
		"EHLO":     {"again", "paused", "again", "again", "again", "sent"},
		"AUTH":     {"again", "paused", "again", "again", "again", "sent"},
		"MAIL":     {"again", "paused", "again", "again", "again", "sent"},
		"RCPT":     {"again", "refused", "again", "again", "again", "sent"},
		"DATA":     {"again", "refused", "again", "again", "again", "sent"},
		"dot":      {"again", "refused", "unsure", "unsure", "unsure", "sent"},
	} {
		for i, way := range ways {
			t.Run(step+"/"+string(way), func(t *testing.T) {
				t.Parallel()
				server := serve(t, at(step, way), append(offers, "AUTH PLAIN")...)
				where := strings.Replace(server.url(), "//", "//usher@", 1) + "?tls=none"
				transport := open(t, where, password(t, "secret"))
				err := transport.Deliver(context.Background(), message, []byte(letter))
				if got := class(t, err); got != want[i] {
					t.Errorf("%v: class %s, want %s", err, got, want[i])
				}
			})
		}
	}
}

// at behaves in a way at one step, and well elsewhere.
func at(step string, way behaviour) func(string) behaviour {
	return func(s string) behaviour {
		if s == step {
			return way
		}
		return well
	}
}

func TestAcceptedIsSentWhateverComesAfter(t *testing.T) {
	for _, way := range []behaviour{"550 no", hang, hangUp, garbage} {
		server := serve(t, at("QUIT", way))
		transport := open(t, server.url())
		if err := transport.Deliver(context.Background(), message, []byte(letter)); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if err := transport.Close(); err != nil {
			t.Errorf("%s: closing: %v", way, err)
		}
	}
}

func TestOtherSuccessAfterTheDotIsSent(t *testing.T) {
	transport := open(t, serve(t, at("dot", "252 probably")).url())
	if err := transport.Deliver(context.Background(), message, []byte(letter)); err != nil {
		t.Error(err)
	}
}

func TestBytesGoOutUnchanged(t *testing.T) { eachDialogue(t, bytesGoOutUnchanged) }

func bytesGoOutUnchanged(t *testing.T, offers ...string) {
	server := serve(t, nil, offers...)
	transport := open(t, server.url())
	for range 2 {
		if err := transport.Deliver(context.Background(), message, []byte(letter)); err != nil {
			t.Fatal(err)
		}
	}
	connections, said, messages := server.heard()
	if diff := cmp.Diff([]string{letter, letter}, messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	want := []string{"MAIL FROM:<usher@acme.example>", "RCPT TO:<ada@acme.example>", "DATA"}
	if diff := cmp.Diff(append(want, want...), said[1:]); diff != "" {
		t.Errorf("commands after EHLO (-want +got):\n%s", diff)
	}
	if connections != 1 {
		t.Errorf("%d connections, want one for both messages", connections)
	}
	if got, want := server.early(), 4*len(offers); got != want {
		t.Errorf("%d commands came before the ones before them were answered, want %d", got, want)
	}
}

// A server may drop an idle connection, silently or with a 421; the next message
// makes a new one and is not thought to have failed.
func TestReconnects(t *testing.T) { eachDialogue(t, reconnects) }

func reconnects(t *testing.T, offers ...string) {
	for _, way := range []behaviour{hangUp, "421 idle for too long", garbage} {
		var mails atomic.Int32
		server := serve(t, func(step string) behaviour {
			if step == "MAIL" && mails.Add(1) == 2 {
				return way
			}
			return well
		}, offers...)
		transport := open(t, server.url())
		for i := range 2 {
			if err := transport.Deliver(context.Background(), message, []byte(letter)); err != nil {
				t.Errorf("%s: message %d: %v", way, i+1, err)
			}
		}
		connections, _, messages := server.heard()
		if connections != 2 || len(messages) != 2 {
			t.Errorf("%s: %d connections and %d messages, want 2 and 2", way, connections, len(messages))
		}
	}
}

func TestRefusedRecipientKeepsTheConnection(t *testing.T) {
	eachDialogue(t, refusedRecipientKeepsTheConnection)
}

func refusedRecipientKeepsTheConnection(t *testing.T, offers ...string) {
	var recipients atomic.Int32
	server := serve(t, func(step string) behaviour {
		if step == "RCPT" && recipients.Add(1) == 1 {
			return "550 no such user"
		}
		return well
	}, offers...)
	transport := open(t, server.url())
	err := transport.Deliver(context.Background(), message, []byte(letter))
	if class(t, err) != "refused" || !strings.Contains(err.Error(), "recipient: 550 no such user") {
		t.Errorf("first message: %v, want it refused with the server's words", err)
	}
	if err := transport.Deliver(context.Background(), message, []byte(letter)); err != nil {
		t.Errorf("second message: %v", err)
	}
	connections, said, messages := server.heard()
	if connections != 1 || slices.Index(said, "RSET") != 3+len(offers) {
		t.Errorf("%d connections, then %q; want one, and RSET between the messages", connections, said)
	}
	if last := messages[len(messages)-1]; last != letter {
		t.Errorf("the server took %q, want the second message", last)
	}
}

// Whatever a server makes of the commands behind the one it refused, the refusal
// stands, and the next message is another matter.
func TestRefusedTogether(t *testing.T) {
	for _, test := range []struct {
		name        string
		first       map[string]behaviour // how the first message fares
		class, says string
		connections int
	}{
		{"the rest is refused too", map[string]behaviour{"RCPT": "550 no such user", "DATA": "503 no recipients"}, "refused", "550 no such user", 1},
		{"the sender is refused", map[string]behaviour{"MAIL": "451 later", "RCPT": "503 no", "DATA": "503 no"}, "again", "451 later", 1},
		{"nobody's message is refused", map[string]behaviour{"RCPT": "452 too many", "dot": "554 no recipients"}, "again", "452 too many", 1},
		{"nobody's message is taken", map[string]behaviour{"RCPT": "550 no such user"}, "refused", "550 no such user", 1},
		{"it hangs up", map[string]behaviour{"RCPT": "550 no such user", "DATA": hangUp}, "refused", "550 no such user", 2},
		{"it falls silent", map[string]behaviour{"RCPT": "550 no such user", "dot": hang}, "refused", "550 no such user", 2},
		{"it closes the service", map[string]behaviour{"RCPT": "421 closing", "DATA": hangUp}, "again", "421 closing", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var mails atomic.Int32
			server := serve(t, func(step string) behaviour {
				if step == "MAIL" {
					mails.Add(1)
				}
				if mails.Load() > 1 {
					return well
				}
				return test.first[step]
			}, "PIPELINING")
			transport := open(t, server.url())
			err := transport.Deliver(t.Context(), message, []byte(letter))
			if got := class(t, err); got != test.class || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v: class %s, want %s and %q", err, got, test.class, test.says)
			}
			if err := transport.Deliver(t.Context(), message, []byte(letter)); err != nil {
				t.Errorf("second message: %v", err)
			}
			connections, _, messages := server.heard()
			if connections != test.connections || messages[len(messages)-1] != letter {
				t.Errorf("%d connections, want %d; messages %q", connections, test.connections, messages)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	server := serve(t, nil)
	server.listener.Close()
	err := open(t, server.url()).Deliver(context.Background(), message, []byte(letter))
	if class(t, err) != "again" || !strings.Contains(err.Error(), "connecting to smtp://127.0.0.1:") {
		t.Errorf("%v, want it to be tried again", err)
	}
}

// However patient the settings, the end of the context ends a delivery.
func TestContextEndsADelivery(t *testing.T) { eachDialogue(t, contextEndsADelivery) }

func contextEndsADelivery(t *testing.T, offers ...string) {
	for step, want := range map[string]string{"greeting": "again", "EHLO": "again", "MAIL": "again", "RCPT": "again", "DATA": "again", "dot": "unsure"} {
		for name, end := range map[string]func() (context.Context, context.CancelFunc){
			"deadline": func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(context.Background(), 100*time.Millisecond)
			},
			"cancelled": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(100*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			t.Run(step+"/"+name, func(t *testing.T) {
				t.Parallel()
				server := serve(t, at(step, hang), offers...)
				transport := open(t, server.url(), func(s *mail.Settings) { s.Timeout = time.Hour })
				ctx, cancel := end()
				defer cancel()
				start := time.Now()
				err := transport.Deliver(ctx, message, []byte(letter))
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
				if got := class(t, err); got != want {
					t.Errorf("%v: class %s, want %s", err, got, want)
				}
			})
		}
	}
}

func TestAddressesOnTheWire(t *testing.T) {
	for _, test := range []struct {
		to, offer, want, wire string
	}{
		{"ada@bücher.example", "", "sent", "RCPT TO:<ada@xn--bcher-kva.example>"},
		{"三浦@acme.example", "SMTPUTF8", "sent", "RCPT TO:<三浦@acme.example>"},
		{"三浦@acme.example", "8BITMIME", "refused", ""},
		{"ada@acme.example> NOTIFY=NEVER\r\nDATA", "", "refused", ""},
		{"ada", "", "refused", ""},
	} {
		server := serve(t, nil, test.offer)
		m := message
		m.To = test.to
		err := open(t, server.url()).Deliver(context.Background(), m, []byte(letter))
		if got := class(t, err); got != test.want {
			t.Errorf("%q with %q: %v, want %s", test.to, test.offer, err, test.want)
		}
		_, said, _ := server.heard()
		if all := strings.Join(said, "\n"); strings.Contains(all, "RCPT") != (test.wire != "") || !strings.Contains(all, test.wire) {
			t.Errorf("%q: the server heard %q, want %q", test.to, all, test.wire)
		}
		utf8 := strings.Contains(strings.Join(said, "\n"), " SMTPUTF8")
		if utf8 != (test.want == "sent" && strings.HasPrefix(test.to, "三")) {
			t.Errorf("%q: SMTPUTF8 asked for: %v", test.to, utf8)
		}
	}
}
