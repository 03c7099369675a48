package mail_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
func TestEveryStep(t *testing.T) {
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
				server := serve(t, at(step, way), "AUTH PLAIN")
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

func TestBytesGoOutUnchanged(t *testing.T) {
	server := serve(t, nil)
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
}

// A server may drop an idle connection, silently or with a 421; the next message
// makes a new one and is not thought to have failed.
func TestReconnects(t *testing.T) {
	for _, way := range []behaviour{hangUp, "421 idle for too long", garbage} {
		var mails atomic.Int32
		server := serve(t, func(step string) behaviour {
			if step == "MAIL" && mails.Add(1) == 2 {
				return way
			}
			return well
		})
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
	var recipients atomic.Int32
	server := serve(t, func(step string) behaviour {
		if step == "RCPT" && recipients.Add(1) == 1 {
			return "550 no such user"
		}
		return well
	})
	transport := open(t, server.url())
	err := transport.Deliver(context.Background(), message, []byte(letter))
	if class(t, err) != "refused" || !strings.Contains(err.Error(), "recipient: 550 no such user") {
		t.Errorf("first message: %v, want it refused with the server's words", err)
	}
	if err := transport.Deliver(context.Background(), message, []byte(letter)); err != nil {
		t.Errorf("second message: %v", err)
	}
	connections, said, _ := server.heard()
	if connections != 1 || said[3] != "RSET" {
		t.Errorf("%d connections, then %q; want one, and RSET between the messages", connections, said)
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
func TestContextEndsADelivery(t *testing.T) {
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
				server := serve(t, at(step, hang))
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
