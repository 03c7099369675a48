package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"usher/state"
)

// client delivers to an SMTP server. It keeps its connections between messages and
// makes a new one when the server has dropped one, when one has carried its
// messages, and when a message comes while all are in use.
type client struct {
	*server
	mu   sync.Mutex
	idle []*session // connected, and used by nobody
}

// session is one connection on which the server knows who we are.
type session struct {
	smtp    *smtp.Client
	conn    net.Conn
	dirty   bool // a transaction was begun and not ended: RSET comes first
	broken  bool // what the server says next may be about something else
	carried int  // messages
}

// Deliver sends one message. The stored bytes go out as they are.
func (c *client) Deliver(ctx context.Context, m state.Message, data []byte) error {
	to, err := envelopeAddress(m.To)
	if err != nil {
		return failed(Refused, "recipient", err)
	}
	s := c.take()
	reused := s != nil
	s, failure := c.attempt(ctx, s, to, data)
	if failure != nil && reused && failure.lost {
		s, failure = c.attempt(ctx, nil, to, data)
	}
	c.give(s)
	if failure != nil {
		return failure.Failure
	}
	return nil
}

// take takes a session that nobody uses; nil: there is none.
func (c *client) take() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	s := c.idle[len(c.idle)-1]
	c.idle = c.idle[:len(c.idle)-1]
	return s
}

// give gives a session back, which may be nil. One that carried its messages ends.
func (c *client) give(s *session) {
	if s == nil {
		return
	}
	if s.carried >= c.most {
		s.end()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, s)
}

// failure is a Failure, and whether it is that the server had hung up before this
// message began, which a new connection mends.
type failure struct {
	*Failure
	lost bool
}

// attempt sends the message on the session, or on a new one for nil, and returns
// the session for the next message; nil where it can no longer be trusted.
func (c *client) attempt(ctx context.Context, s *session, to string, data []byte) (*session, *failure) {
	if s == nil {
		var err *Failure
		if s, err = c.connect(ctx); err != nil {
			return nil, &failure{Failure: err}
		}
	}
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	begun, err := c.transaction(ctx, s, to, data)
	s.carried++
	if err == nil {
		return s, nil
	}
	reply := code(err)
	over := reply == 0 || reply == 421 || s.broken
	if over {
		s.conn.Close()
	}
	lost := &failure{Failure: err, lost: !begun && over && ctx.Err() == nil}
	if over {
		return nil, lost
	}
	return s, lost
}

// transaction is MAIL, RCPT, DATA and the message. It reports whether the server
// took MAIL.
func (c *client) transaction(ctx context.Context, s *session, to string, data []byte) (begun bool, _ *Failure) {
	international := !ascii(to) || !ascii(c.from)
	if international && !s.offers("SMTPUTF8") {
		return false, failed(c.unwritable(), "recipient", errors.New("the server does not offer SMTPUTF8, which an address with other than ASCII letters before the @ needs"))
	}
	if s.dirty {
		c.allow(ctx, s, c.timeout)
		if err := s.smtp.Reset(); err != nil {
			return false, byReply("RSET", err, Again)
		}
	}
	if begun, failure := c.envelope(ctx, s, to, international); failure != nil {
		return begun, failure
	}
	return true, c.send(ctx, s, data)
}

// unwritable is the class of an address that the server has no way to be told:
// our own concerns every message, a recipient's this one.
func (c *client) unwritable() Class {
	if !ascii(c.from) {
		return Paused
	}
	return Refused
}

// send writes the message and waits for the server's word on it.
func (c *client) send(ctx context.Context, s *session, data []byte) *Failure {
	c.allow(ctx, s, c.timeout)
	if err := s.write(data); err != nil {
		return failed(Again, "sending the message", err) // its last bytes are the dot: it has not arrived
	}
	c.allow(ctx, s, 5*c.timeout)
	_, _, err := s.smtp.Text.ReadResponse(250)
	switch code(err) / 100 {
	case 2:
		err = nil
	case 4, 5:
		s.dirty = false
		return byReply("message", err, Refused)
	}
	if err != nil {
		return failed(Unsure, "no reply to the message, which may have arrived", err)
	}
	s.dirty = false
	return nil
}

// allow gives the next step so long, and never past the end of ctx.
func (c *client) allow(ctx context.Context, s *session, d time.Duration) {
	deadline := time.Now().Add(d)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	// A connection that takes no deadline is closed, and the step itself says so.
	_ = s.conn.SetDeadline(deadline)
}

// connect makes a session: the greeting, TLS as asked for, AUTH where there is a user.
func (c *client) connect(ctx context.Context) (*session, *Failure) {
	s := &session{}
	var stop func() bool
	dial := func(dialling context.Context, network, address string) (net.Conn, error) {
		conn, err := c.dial(dialling, network, address)
		if err != nil {
			return nil, err
		}
		s.conn = conn
		stop = context.AfterFunc(ctx, func() { conn.Close() })
		return conn, nil
	}
	failure := c.greet(ctx, s, dial)
	if stop != nil {
		stop()
	}
	if failure != nil {
		if s.conn != nil {
			s.conn.Close()
		}
		return nil, failure
	}
	return s, nil
}

// greet brings a session to where it takes messages.
func (c *client) greet(ctx context.Context, s *session, dial gomail.DialContextFunc) *Failure {
	options := []gomail.Option{
		gomail.WithPort(c.port), gomail.WithTimeout(c.timeout), gomail.WithDialContextFunc(dial),
		gomail.WithTLSConfig(c.trust), gomail.WithTLSPolicy(c.policy()), gomail.WithSMTPAuth(gomail.SMTPAuthNoAuth),
	}
	dialler, err := gomail.NewClient(c.host, options...)
	if err != nil {
		return failed(Paused, "preparing the connection", err)
	}
	if s.smtp, err = dialler.DialToSMTPClientWithContext(ctx); err != nil {
		return c.ungreeted(s, err)
	}
	return c.authenticate(ctx, s)
}

func (c *client) ungreeted(s *session, err error) *Failure {
	if s.conn == nil {
		return failed(Again, "connecting to "+c.server.String(), err)
	}
	return byReply("greeting "+c.server.String(), err, Paused)
}

func (c *client) policy() gomail.TLSPolicy {
	switch c.security {
	case required:
		return gomail.TLSMandatory
	case ifOffered:
		return gomail.TLSOpportunistic
	default:
		return gomail.NoTLS
	}
}

// dial connects, with TLS from the first byte for smtps.
func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.security == implicit {
		return (&tls.Dialer{Config: c.trust}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// authenticate says who we are, with the best mechanism that both sides know.
func (c *client) authenticate(ctx context.Context, s *session) *Failure {
	if c.user == "" {
		return nil
	}
	mechanism, err := c.mechanism(s.smtp)
	if err != nil {
		return failed(Paused, "signing in as "+c.user, err)
	}
	c.allow(ctx, s, c.timeout)
	if err := s.smtp.Auth(mechanism); err != nil {
		return byReply("signing in as "+c.user, err, Paused)
	}
	return nil
}

func (c *client) mechanism(client *smtp.Client) (smtp.Auth, error) {
	_, offered := client.Extension("AUTH")
	names := strings.Fields(strings.ToUpper(offered))
	inClear := c.security == inClear // only ever on loopback: see settle
	switch {
	case slices.Contains(names, "SCRAM-SHA-256"):
		return smtp.ScramSHA256Auth(c.user, c.password), nil
	case slices.Contains(names, "PLAIN"):
		return smtp.PlainAuth("", c.user, c.password, c.host, inClear), nil
	case slices.Contains(names, "LOGIN"):
		return smtp.LoginAuth(c.user, c.password, c.host, inClear), nil
	default:
		return nil, fmt.Errorf("the server offers %q, and none of SCRAM-SHA-256, PLAIN and LOGIN", offered)
	}
}

// goodbye is how long QUIT may take. What it comes to changes nothing: all that
// was sent has been answered for.
const goodbye = 2 * time.Second

// end says goodbye and ends the connection.
func (s *session) end() {
	_ = s.conn.SetDeadline(time.Now().Add(goodbye))
	_ = s.smtp.Quit()
	s.conn.Close()
}

// Close says goodbye and ends the connections.
func (c *client) Close() error {
	for s := c.take(); s != nil; s = c.take() {
		s.end()
	}
	return nil
}
