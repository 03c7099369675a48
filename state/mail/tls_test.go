package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"usher/state/mail"
)

// relay is a real SMTP server that wants ada's password "secret" where it is
// given mechanisms.
type relay struct {
	mechanisms []string
	mu         sync.Mutex
	messages   []string
	signedIn   []string // mechanisms that were used
	ciphered   []bool
}

type visit struct {
	*relay
	conn *smtp.Conn
	in   bool
}

func (r *relay) NewSession(c *smtp.Conn) (smtp.Session, error) { return &visit{relay: r, conn: c}, nil }

func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

func (v *visit) Mail(string, *smtp.MailOptions) error {
	if len(v.mechanisms) > 0 && !v.in {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (v *visit) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (v *visit) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	_, ciphered := v.conn.TLSConnectionState()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.messages = append(v.messages, string(content))
	v.ciphered = append(v.ciphered, ciphered)
	return err
}

func (v *visit) AuthMechanisms() []string { return v.mechanisms }

func (v *visit) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "ada" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		v.mu.Lock()
		v.signedIn = append(v.signedIn, mechanism)
		v.mu.Unlock()
		v.in = true
		return nil
	}
	if mechanism == "LOGIN" {
		return &login{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// login is the server's side of AUTH LOGIN: it asks for one, then for the other.
type login struct {
	check func(user, password string) error
	said  []string
	asked bool
}

func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	if !l.asked {
		l.asked = true
		return []byte("Username:"), false, nil
	}
	l.said = append(l.said, string(response))
	if len(l.said) == 1 {
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.said[0], l.said[1])
}

// start serves the relay, with TLS as configured, and gives its address.
func (r *relay) start(t *testing.T, config *tls.Config, implicit bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	server := smtp.NewServer(r)
	server.TLSConfig = config
	server.ErrorLog = silent{}
	if implicit {
		listener = tls.NewListener(listener, config)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving: %v", err)
		}
	})
	return address
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// certificate makes one for 127.0.0.1, and a file that says to trust it.
func certificate(t *testing.T) (config *tls.Config, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, ca
}

func TestSecurityAndSigningIn(t *testing.T) {
	config, ca := certificate(t)
	trusted := "?ca=" + ca
	for _, test := range []struct {
		name       string
		scheme     string // and user
		options    string
		mechanisms []string
		implicit   bool
		noTLS      bool
		password   string
		want       string
		ciphered   bool
		used       string
	}{
		{name: "STARTTLS, PLAIN", scheme: "smtp://ada@", options: trusted, mechanisms: []string{"PLAIN"}, want: "sent", ciphered: true, used: "PLAIN"},
		{name: "STARTTLS, LOGIN", scheme: "smtp://ada@", options: trusted, mechanisms: []string{"LOGIN"}, want: "sent", ciphered: true, used: "LOGIN"},
		{name: "implicit TLS", scheme: "smtps://ada@", options: trusted, mechanisms: []string{"PLAIN"}, implicit: true, want: "sent", ciphered: true, used: "PLAIN"},
		{name: "wrong password", scheme: "smtp://ada@", options: trusted, mechanisms: []string{"PLAIN"}, password: "wrong", want: "paused"},
		{name: "no mechanism in common", scheme: "smtp://ada@", options: trusted, mechanisms: []string{"XOAUTH2"}, want: "paused"},
		{name: "unknown certificate", scheme: "smtp://ada@", mechanisms: []string{"PLAIN"}, want: "again"},
		{name: "unknown certificate, implicit", scheme: "smtps://", implicit: true, want: "again"},
		{name: "unknown certificate, required", scheme: "smtp://", options: "?tls=required", want: "again"},
		{name: "starttls with a user is required", scheme: "smtp://ada@", options: "?tls=starttls", mechanisms: []string{"PLAIN"}, noTLS: true, want: "again"},
		{name: "not offered though required", scheme: "smtp://", options: "?tls=required", noTLS: true, want: "again"},
		{name: "loopback takes what is offered", scheme: "smtp://", want: "sent", ciphered: true},
		{name: "loopback does without", scheme: "smtp://", noTLS: true, want: "sent"},
		{name: "none is none", scheme: "smtp://", options: "?tls=none", want: "sent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &relay{mechanisms: test.mechanisms}
			served := config
			if test.noTLS {
				served = nil
			}
			where := test.scheme + server.start(t, served, test.implicit) + test.options
			word := "secret"
			if test.password != "" {
				word = test.password
			}
			transport := open(t, where, password(t, word), patient)
			err := transport.Deliver(context.Background(), message, []byte(letter))
			if got := class(t, err); got != test.want {
				t.Fatalf("%v: class %s, want %s", err, got, test.want)
			}
			server.check(t, test.want == "sent", test.ciphered, test.used)
		})
	}
}

// patient is for handshakes on a busy machine.
func patient(s *mail.Settings) { s.Timeout = 20 * time.Second }

func (r *relay) check(t *testing.T, arrived, ciphered bool, used string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if arrived != (len(r.messages) == 1) || arrived && r.messages[0] != letter {
		t.Errorf("messages %q, arrived should be %v", r.messages, arrived)
	}
	if arrived && r.ciphered[0] != ciphered {
		t.Errorf("ciphered: %v, want %v", r.ciphered[0], ciphered)
	}
	if used != "" && (len(r.signedIn) != 1 || r.signedIn[0] != used) {
		t.Errorf("signed in by %q, want %s", r.signedIn, used)
	}
}

func TestPasswordNeverInTheClearAcrossANetwork(t *testing.T) {
	settings := mail.Settings{Where: "smtp://ada@relay.acme.example?tls=none", From: "usher@acme.example"}
	password(t, "secret")(&settings)
	if _, err := mail.Open(settings); err == nil {
		t.Error("a password was to be sent in the clear, and nobody minded")
	}
}
