package mail_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"

	"usher/spec"
	"usher/state"
	"usher/state/mail"
)

// post is a mail server on loopback that takes everything, and each of whose
// replies comes after a delay, as that of a server some distance away.
func post(b *testing.B, away time.Duration) (where string, port int) {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return taker{away}, nil }))
	server.Domain = "localhost"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(listener)
	b.Cleanup(func() { server.Close() })
	address := listener.Addr().(*net.TCPAddr)
	return "smtp://" + address.String() + "?tls=none", address.Port
}

type taker struct{ away time.Duration }

func (t taker) Mail(string, *smtp.MailOptions) error { time.Sleep(t.away); return nil }
func (t taker) Rcpt(string, *smtp.RcptOptions) error { time.Sleep(t.away); return nil }
func (t taker) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	time.Sleep(2 * t.away) // for DATA and for the dot
	return err
}
func (t taker) Reset()        {}
func (t taker) Logout() error { return nil }

// BenchmarkDrain empties an outbox over SMTP, and reports messages a second and,
// as x-raw, how many times as many the mail library alone delivers over one
// connection to the same server in the same run.
func BenchmarkDrain(b *testing.B) {
	const messages = 300
	body := []byte("From: usher@acme.example\r\nTo: ada@acme.example\r\nSubject: Welcome\r\n\r\n" +
		strings.Repeat("Sign in and choose a password of your own.\r\n", 80))
	for _, away := range []time.Duration{0, 2 * time.Millisecond} {
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
	_, err = owner.Update(ctx, state.Cause{Kind: state.CauseManifests}, 0, func(tx *state.Tx) error {
		for i := range messages {
			name := fmt.Sprintf("p%d", i)
			address := name + "@acme.example"
			a, err := tx.AddAccount(&spec.User{Name: name, Email: address, EmailKey: address, FirstName: "Ada", LastName: "Lovelace"}, true)
			if err != nil {
				return err
			}
			m := state.Message{MessageID: name + "@acme.example", Kind: "access", To: address, Subject: "Welcome", Account: a.ID, Body: body}
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

// deliverRaw sends as many messages with the mail library alone, over one
// connection, in the way its documentation shows.
func deliverRaw(b *testing.B, port, messages int, body []byte) {
	client, err := gomail.NewClient("127.0.0.1", gomail.WithPort(port), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithoutNoop())
	if err != nil {
		b.Fatal(err)
	}
	m, err := gomail.EMLToMsgFromReader(bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	list := make([]*gomail.Msg, messages)
	for i := range list {
		list[i] = m
	}
	if err := client.DialAndSend(list...); err != nil {
		b.Fatal(err)
	}
}
