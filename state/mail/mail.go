// Package mail empties the outbox over SMTP or into a folder.
//
// The outbox belongs to the state: messages are whole, with their identity and
// their bytes fixed, before anything here sees them. [Open] makes a [Transport]
// from a setting such as smtp://usher@mail.acme.example:587; [Drain] takes what
// is due, delivers it message by message, and records how each one went. A
// message may be delivered twice when a server's last word is lost, and is then
// the same message: same Message-ID, same bytes.
//
// What went wrong is a [Failure] of one of four classes, and the class alone
// decides what happens next (RELIABILITY.md, "Mail").
package mail

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"usher/state"
)

// Transport delivers messages to where they go. Deliver may be called by several
// goroutines at once, and then takes as many connections; Close by one, at the end.
type Transport interface {
	// Deliver hands over one message, whose given password has been filled into
	// data. An error is a *Failure, and carries its class.
	Deliver(ctx context.Context, m state.Message, data []byte) error
	// Close ends the connection, if there is one.
	Close() error
	// String says where messages go, without a password.
	String() string
}

// Settings say where messages go and as whom.
type Settings struct {
	// Where is "dir:PATH", "smtp://[USER@]HOST[:PORT]", "smtps://…" or "none".
	// Ports are 587 and 465 where not given. SMTP takes these options:
	//
	//	?tls=required  STARTTLS with a certificate that verifies, or no delivery;
	//	               the default, except for a host on loopback without a user
	//	?tls=starttls  STARTTLS where it is offered, whatever the certificate;
	//	               the default there; with a user it means required
	//	?tls=none      in the clear; with a user on loopback only
	//	?ca=FILE       PEM certificates to trust instead of the system's
	//	?messages=N    a new connection after so many messages; 500 where not given,
	//	               as servers commonly allow
	Where string
	// From is the sender, "usher@acme.example" or "usher <usher@acme.example>";
	// its address is the envelope's. A folder needs none.
	From string
	// PasswordFile holds the password of the user in Where, on its first line.
	PasswordFile string
	// Timeout bounds each step of the dialogue with a server; one minute where
	// zero. The reply to a whole message may take five times as long.
	Timeout time.Duration
}

// Open makes the transport that the settings ask for. For "none" it is nil.
// Nothing is connected or created before the first message.
func Open(s Settings) (Transport, error) {
	if s.Where == "none" {
		return nil, nil
	}
	if path, ok := strings.CutPrefix(s.Where, "dir:"); ok {
		return openFolder(path)
	}
	if strings.HasPrefix(s.Where, "smtp://") || strings.HasPrefix(s.Where, "smtps://") {
		return openServer(s)
	}
	return nil, fmt.Errorf("mail %q: expected dir:PATH, smtp://HOST:PORT, smtps://HOST:PORT or none", withoutPassword(s.Where))
}

// withoutPassword is where, fit to be shown although somebody wrote a password into it.
func withoutPassword(where string) string {
	if u, err := url.Parse(where); err == nil {
		return u.Redacted()
	}
	if at := strings.LastIndexByte(where, '@'); at >= 0 {
		return "…" + where[at:]
	}
	return where
}
