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

// queue composes messages and puts them into the outbox of the transaction, in
// their order.
func (c *Controller) queue(tx *state.Tx, notices []Notice, w *writer) error {
	var ahead sync.WaitGroup
	defer ahead.Wait()
	var ready []composed
	for at := 0; at < len(notices) || len(ready) > 0; at += composedAtOnce {
		part := make([]composed, min(composedAtOnce, max(0, len(notices)-at)))
		for i := range part {
			part[i].notice = &notices[at+i]
		}
		c.composeEach(&ahead, part, w, tx.Revision, tx.Now)
		if err := store(tx, ready); err != nil {
			return err
		}
		w.pace.step(messageSteps * len(ready))
		ahead.Wait()
		ready = part
	}
	return nil
}

// composed is a notice and what became of it.
type composed struct {
	notice  *Notice
	message state.Message
	err     error
}

// composeEach begins to compose the messages of a part, side by side.
func (c *Controller) composeEach(running *sync.WaitGroup, part []composed, w *writer, revision int64, now time.Time) {
	workers := min(runtime.GOMAXPROCS(0), len(part))
	for first := range workers {
		running.Go(func() {
			for i := first; i < len(part); i += workers {
				part[i].message, part[i].err = c.about(part[i].notice, w, revision, now)
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
			return fmt.Errorf("composing the message to %s: %w", p.notice.name, p.err)
		}
		if _, err := tx.Queue(p.message); err != nil {
			return err
		}
	}
	return nil
}

// about composes one message about an account of the plan.
func (c *Controller) about(n *Notice, w *writer, revision int64, now time.Time) (state.Message, error) {
	account, issue, invitation := n.account, 0, w.first
	if account == "" {
		account = w.ids[n.name]
	} else {
		invitation = w.invited[account]
	}
	stamp := Stamp{Revision: revision, Time: now}
	if w.plan != nil {
		stamp.Signer = w.plan.provenance.Signer
	}
	if n.Kind == NoticeInvitation {
		stamp.Expires, issue = invitation.expires, invitation.issue
	}
	return c.message(n, account, stamp, issue)
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
