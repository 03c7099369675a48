package mail_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	smtpclient "github.com/wneessen/go-mail/smtp"

	"usher/spec"
	"usher/state"
	"usher/state/mail"
)

// post is a mail server on loopback that takes everything, as if it were so far
// away that a word and its answer take that long.
func post(b *testing.B, away time.Duration) (where string, port int) {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return taker{}, nil }))
	server.Domain = "localhost"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(distant{listener, away})
	b.Cleanup(func() { server.Close() })
	address := listener.Addr().(*net.TCPAddr)
	return "smtp://" + address.String() + "?tls=none", address.Port
}

// distant is a listener whose connections are heard late.
type distant struct {
	net.Listener
	away time.Duration
}

func (d distant) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil || d.away == 0 {
		return conn, err
	}
	l := &late{Conn: conn, words: make(chan word, 1000)}
	go l.listen(d.away)
	return l, nil
}

// late is a connection on which what was said is heard a while later, and what was
// said meanwhile is on its way as well.
type late struct {
	net.Conn
	words chan word
	rest  []byte
}

type word struct {
	at   time.Time // when it is heard
	said []byte
}

func (l *late) listen(away time.Duration) {
	defer close(l.words)
	for {
		said := make([]byte, 32<<10)
		n, err := l.Conn.Read(said)
		if err != nil {
			return
		}
		l.words <- word{time.Now().Add(away), said[:n]}
	}
}

func (l *late) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		w, ok := <-l.words
		if !ok {
			return 0, io.EOF
		}
		time.Sleep(time.Until(w.at))
		l.rest = w.said
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

type taker struct{}

func (taker) Mail(string, *smtp.MailOptions) error { return nil }
func (taker) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (taker) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
func (taker) Reset()        {}
func (taker) Logout() error { return nil }

// BenchmarkDrain empties an outbox over SMTP, and reports messages a second and,
// as x-raw, how many times as many the mail library's SMTP client delivers over one
// connection to the same server in the same run, when it does nothing else.
func BenchmarkDrain(b *testing.B) {
	body := []byte("From: usher@acme.example\r\nTo: ada@acme.example\r\nSubject: Welcome\r\n\r\n" +
		strings.Repeat("Sign in and choose a password of your own.\r\n", 80))
	for _, server := range []struct {
		away     time.Duration
		messages int
	}{{0, 3000}, {2 * time.Millisecond, 300}} {
		away, messages := server.away, server.messages
		for _, atOnce := range []int{1, 4, 8} {
			b.Run(fmt.Sprintf("away=%v/connections=%d", away, atOnce), func(b *testing.B) {
				where, port := post(b, away)
				var ours, raw time.Duration
				for b.Loop() {
					b.StopTimer()
					db, owner := outboxOf(b, messages, body)
					transport, err := mail.Open(mail.Settings{Where: where, From: "usher@acme.example"})
					if err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					began := time.Now()
					result, err := mail.Drain(context.Background(), mail.Box(owner, db), transport, mail.Options{AtOnce: atOnce})
					if err != nil || result.Sent != messages {
						b.Fatalf("%+v, %v; want all sent", result, err)
					}
					ours += time.Since(began)
					b.StopTimer()
					transport.Close()
					owner.Close()
					db.Close()
					began = time.Now()
					deliverRaw(b, port, messages, body)
					raw += time.Since(began)
					b.StartTimer()
				}
				b.ReportMetric(float64(messages*b.N)/ours.Seconds(), "messages/s")
				b.ReportMetric(raw.Seconds()/ours.Seconds(), "x-raw")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// outboxOf is a state with so many messages to as many people.
func outboxOf(b *testing.B, messages int, body []byte) (*state.DB, *state.Owner) {
	ctx := context.Background()
	db, err := state.Open(ctx, filepath.Join(b.TempDir(), "usher.db"), state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	owner, err := db.Own(ctx)
	if err != nil {
		b.Fatal(err)
	}
	pattern := state.NewPattern(body)
	_, err = owner.Update(ctx, state.Cause{Kind: state.CauseManifests}, 0, func(tx *state.Tx) error {
		for i := range messages {
			name := fmt.Sprintf("p%d", i)
			address := name + "@acme.example"
			a, err := tx.AddAccount(&spec.User{Name: name, Email: address, EmailKey: address, FirstName: "Ada", LastName: "Lovelace"}, true)
			if err != nil {
				return err
			}
			m := state.Message{MessageID: name + "@acme.example", Kind: "access", To: address, Subject: "Welcome", Account: a.ID, Body: body, Packed: pattern.Pack(body)}
			if _, err := tx.Queue(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db, owner
}

// deliverRaw sends as many messages over one connection with no more said than SMTP
// asks for.
func deliverRaw(b *testing.B, port, messages int, body []byte) {
	client, err := smtpclient.Dial(fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for i := range messages {
		if err := deliverOne(client, fmt.Sprintf("<p%d@acme.example>", i), body); err != nil {
			b.Fatal(err)
		}
	}
	if err := client.Quit(); err != nil {
		b.Fatal(err)
	}
}

func deliverOne(client *smtpclient.Client, to string, body []byte) error {
	if err := client.Mail("<usher@acme.example>"); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Close()
}
