package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"usher/spec"
)

// Invite issues the account's next invitation. The former one, and with it the
// former given password, is dead from this moment, and its message is cancelled
// if it is still in the outbox (DOMAIN.md row 17). A generation over the one on
// record becomes the one on record; 0 leaves it.
func (tx *Tx) Invite(id string, generation int) (Account, error) {
	p, err := tx.person(id)
	if err != nil {
		return Account{}, fmt.Errorf("inviting account %s: %w", id, err)
	}
	if !p.activated.IsZero() {
		return Account{}, fmt.Errorf("inviting account %s: it was activated meanwhile; plan again", id)
	}
	if generation > p.generation {
		is := *p
		is.generation = generation
		if err := tx.changePerson(&is, p, origins(p.origin)); err != nil {
			return Account{}, err
		}
		p = &is
	}
	issue, err := tx.retireInvitation(id)
	if err == nil {
		err = tx.issue(p, issue+1)
	}
	if err != nil {
		return Account{}, fmt.Errorf("inviting account %s: %w", id, err)
	}
	return p.account(tx.Now), nil
}

// issue writes an invitation.
func (tx *Tx) issue(p *person, number int) error {
	p.issue, p.invited, p.expires = number, tx.Now, tx.Now.Add(tx.db.options.InvitationTTL)
	hash := secretHash(tx.db.key, p.id, number)
	err := tx.insert(&tx.rows.invitation, p.id, number, hash, millis(p.invited), millis(p.expires), tx.Revision)
	if err != nil {
		return err
	}
	return tx.record(aboutAccount+p.id, entry{Do: doInvite, Issue: number, Expires: millis(p.expires)})
}

// retireInvitation ends the invitation in force, cancels its message, and
// returns the highest number issued so far, 0 for none.
func (tx *Tx) retireInvitation(id string) (issue int, err error) {
	if err := tx.flush(); err != nil {
		return 0, err
	}
	err = tx.get("SELECT COALESCE(MAX(issue), 0) FROM invitation WHERE account = ?", []any{id}, &issue)
	if err != nil {
		return 0, err
	}
	_, err = tx.exec("UPDATE invitation SET until = ? WHERE account = ? AND until IS NULL", tx.Revision, id)
	if err != nil {
		return 0, err
	}
	return issue, tx.cancelInvitations(id)
}

// Uninvite ends the account's invitation without issuing another, as when it went
// to an address that is no longer the person's; its message is cancelled if it is
// still in the outbox.
func (tx *Tx) Uninvite(id string) error {
	if err := tx.endInvitation(id); err != nil {
		return fmt.Errorf("ending the invitation of account %s: %w", id, err)
	}
	return nil
}

// endInvitation ends the invitation in force for good.
func (tx *Tx) endInvitation(id string) error {
	issue, err := tx.retireInvitation(id)
	if err != nil || issue == 0 {
		return err
	}
	return tx.record(aboutAccount+id, entry{Do: doUninvite})
}

// cancelInvitations cancels the account's invitations that were not accepted by
// a server yet. One that is just being sent is cancelled too: were it queued
// again after a crash, it would bring a dead password.
func (tx *Tx) cancelInvitations(id string) error {
	_, err := tx.exec("UPDATE outbox SET state = ? WHERE account = ? AND issue > 0 AND state IN (?, ?, ?, ?)",
		MessageCancelled, id, MessageQueued, MessageSending, MessageHeld, MessageFailed)
	return err
}

// Resend issues a user's next invitation and queues the message that compose
// makes of it, as a revision of cause request. It raises the issue number alone;
// the generation declared in the manifests stays. compose gets the account with
// its new invitation, the user with their access, and the revision's number and
// time. Errors: [ErrNotFound]; an active or suspended account is one too.
func (o *Owner) Resend(ctx context.Context, name, by string, compose func(a Account, u *spec.User, revision int64, now time.Time) (Message, error)) error {
	_, err := o.revise(ctx, Cause{Kind: CauseRequest, By: by}, func(tx *Tx, _ Revision) error {
		account, user, err := tx.invitable(name)
		if err != nil {
			return err
		}
		if account, err = tx.Invite(account.ID, 0); err != nil {
			return err
		}
		m, err := compose(account, user, tx.Revision, tx.Now)
		if err != nil {
			return err
		}
		m.Account, m.Issue = account.ID, account.Issue
		_, err = tx.Queue(m)
		return err
	})
	if err != nil {
		return fmt.Errorf("resending the invitation of %s: %w", name, err)
	}
	return nil
}

// invitable returns the account and user of a name that may be invited again.
func (tx *Tx) invitable(name string) (Account, *spec.User, error) {
	var id string
	err := tx.get("SELECT account FROM person WHERE name = ? AND until IS NULL", []any{name}, &id)
	if err != nil {
		return Account{}, nil, noRows(err)
	}
	p, err := tx.person(id)
	if err != nil {
		return Account{}, nil, err
	}
	account, user := p.account(tx.Now), p.user()
	switch account.Status {
	case Active:
		return Account{}, nil, errors.New("the account is active and needs no invitation; a lost password is reset by signing in")
	case Suspended:
		return Account{}, nil, errors.New("the account is suspended; restore it in its manifest first")
	}
	conn, err := tx.conn()
	if err != nil {
		return Account{}, nil, err
	}
	user.Access, err = accessOf(tx.ctx, conn, id)
	return account, &user, err
}
