package reconciler

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"usher/state"
)

// composedAtOnce is how many messages are composed, on all cores, while those
// before them are stored.
const composedAtOnce = 200

// mailing composes messages and puts them into the outbox of a transaction, in their
// order. It runs beside the writing of a plan: whatever is known of a message is known
// before the last of the plan is written, and the database keeps one core busy alone.
type mailing struct {
	*Controller
	writer  *writer
	mail    []Mail         // not begun yet
	known   int            // how many of them, from the first on, can be composed
	begun   []composed     // not stored yet
	running sync.WaitGroup // what composes them; nobody leaves before it
}

// composed is a message of a plan, what is known now that its plan is carried out, and what became
// of it.
type composed struct {
	mail       *Mail
	account    string  // id
	invitation invited // of an invitation
	message    state.Message
	err        error
}

// queue composes messages and puts them into the outbox of the transaction.
func (c *Controller) queue(notices []Notice, w *writer) error {
	m := &mailing{Controller: c, writer: w, mail: make([]Mail, len(notices))}
	for i := range notices {
		m.mail[i] = mailOf(notices[i])
	}
	defer m.running.Wait()
	return m.finish()
}

// advance goes on with what is known by now, if that is enough to be worth it.
func (m *mailing) advance() error {
	for m.known < min(composedAtOnce, len(m.mail)) && m.writer.knows(&m.mail[m.known]) {
		m.known++
	}
	if m.known < composedAtOnce {
		return nil
	}
	return m.next(composedAtOnce)
}

// finish goes on until everything is stored.
func (m *mailing) finish() error {
	for len(m.mail)+len(m.begun) > 0 {
		if err := m.next(min(composedAtOnce, len(m.mail))); err != nil {
			return err
		}
	}
	return nil
}

// next begins to compose so many messages, and stores those begun before.
func (m *mailing) next(n int) error {
	part := make([]composed, n)
	for i := range part {
		account, invitation := m.writer.told(&m.mail[i])
		part[i] = composed{mail: &m.mail[i], account: account, invitation: invitation}
	}
	m.running.Wait()
	done := m.begun
	m.begun, m.mail, m.known = part, m.mail[n:], 0
	m.compose(part)
	if err := store(m.writer.tx, done); err != nil {
		return err
	}
	m.writer.pace.step(messageSteps * len(done))
	return nil
}

// compose begins to compose the messages of a part, side by side.
func (m *mailing) compose(part []composed) {
	workers := min(runtime.GOMAXPROCS(0), len(part))
	revision, now := m.writer.tx.Revision, m.writer.tx.Now
	for first := range workers {
		m.running.Go(func() {
			for i := first; i < len(part); i += workers {
				part[i].message, part[i].err = m.about(&part[i], m.writer.plan, revision, now)
			}
		})
	}
}

// sideBySide calls fn for each number below n, on all cores. The error is that of the
// lowest number that has one.
func sideBySide(n int, fn func(i int) error) error {
	workers := min(runtime.GOMAXPROCS(0), n)
	errs := make([]error, workers)
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers && errs[w] == nil; i++ {
				errs[w] = fn(i)
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// store puts composed messages into the outbox.
func store(tx *state.Tx, part []composed) error {
	for _, p := range part {
		if p.err != nil {
			return fmt.Errorf("composing the message to %s: %w", p.mail.name, p.err)
		}
		if _, err := tx.Queue(p.message); err != nil {
			return err
		}
	}
	return nil
}

// about composes one message about an account; p is its plan, if any.
func (c *Controller) about(of *composed, p *Plan, revision int64, now time.Time) (state.Message, error) {
	stamp, issue := Stamp{Revision: revision, Time: now}, 0
	if p != nil {
		stamp.Signer = p.provenance.Signer
	}
	if of.mail.Kind == NoticeInvitation {
		stamp.Expires, issue = of.invitation.expires, of.invitation.issue
	}
	n := of.mail.Notice()
	return c.message(&n, of.account, stamp, issue)
}

// message composes one message. Where the stamp has no Message-ID it is made of
// what the message is about; the revision makes it unique. issue is the invitation
// whose given password the message carries, 0 for none.
func (c *Controller) message(n *Notice, account string, stamp Stamp, issue int) (state.Message, error) {
	if stamp.MessageID == "" {
		stamp.MessageID = fmt.Sprintf("%d.%s.%s@%s", stamp.Revision, n.Kind, account, c.host())
	}
	m := state.Message{
		MessageID: stamp.MessageID, Kind: string(n.Kind), To: n.To, Subject: n.Subject,
		Account: account, Issue: issue, State: state.MessageQueued,
	}
	if c.Suppress {
		m.State = state.MessageSuppressed
	}
	var err error
	if m.Body, err = c.Compose.Compose(n, stamp); err != nil {
		return m, err
	}
	if pattern := c.Compose.Pattern(n.Kind); pattern != nil {
		m.Packed, m.Body = pattern.Pack(m.Body), nil // which many may be of, until they are stored
	}
	return m, nil
}

// host is the domain that Message-IDs end with: that of the sender's address.
func (c *Controller) host() string {
	if _, domain, ok := strings.Cut(strings.Trim(c.From, "<> "), "@"); ok {
		return domain
	}
	return "usher.invalid"
}
