package reconciler

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"usher/spec"
	"usher/state"
)

// SupportRequest is what somebody asks of the support of a contract (DOMAIN.md
// row 19).
type SupportRequest struct {
	From     Person
	Contract string
	Subject  string // one line
	Text     string // may have many
}

// At most this many messages to support are taken from one person within the time.
const (
	supportMost   = 5
	supportWithin = time.Hour
)

// AskSupport writes to the support address of a contract in the name of an account,
// given by its id; answers go to the person. Who asks too often gets a
// state.ErrTooMany, and where the contract has no such address the error is a
// state.ErrNotFound. It may be called beside whatever else the controller does.
func (c *Controller) AskSupport(ctx context.Context, owner *state.Owner, account string, r SupportRequest, to *spec.Contract) error {
	if to == nil || to.SupportEmail == "" {
		return fmt.Errorf("asking the support of %s: its address is %w", r.Contract, state.ErrNotFound)
	}
	n := Notice{
		Kind: NoticeSupport, To: to.SupportEmail, Person: Person{FirstName: r.Contract, LastName: "support"},
		Support: []string{r.From.Email}, Request: &r, account: account, name: r.From.Name,
	}
	quota := state.Quota{Account: account, Kind: string(n.Kind), Most: supportMost, Within: supportWithin}
	err := owner.Send(ctx, quota, func(revision int64, now time.Time) (state.Message, error) {
		return c.supportMessage(&n, Stamp{Revision: revision, Time: now})
	})
	if err != nil {
		return fmt.Errorf("asking the support of %s: %w", r.Contract, err)
	}
	return nil
}

// supportMessage words a request; its Message-ID says nothing of it, and two in
// the same millisecond with the same words are one.
func (c *Controller) supportMessage(n *Notice, stamp Stamp) (state.Message, error) {
	mark := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", n.account, n.Request.Subject, n.Request.Text, stamp.Time.UnixMilli()))
	stamp.MessageID = fmt.Sprintf("%s.%x@%s", n.Kind, mark[:12], c.host())
	var err error
	if n.Subject, err = c.Compose.Subject(n); err != nil {
		return state.Message{}, err
	}
	return c.message(n, n.account, stamp, 0)
}
