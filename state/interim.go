package state

import (
	"context"
	"io"
	"time"

	"usher/spec"
)

type Options struct {
	ReadOnly      bool
	Now           func() time.Time
	Rand          io.Reader
	Command       string
	InvitationTTL time.Duration
}
type DB struct{}
type Owner struct{}
type Tx struct {
	Now      time.Time
	Revision int64
}

func Open(ctx context.Context, where string, o Options) (*DB, error)          { panic("interim") }
func (db *DB) Close() error                                                   { panic("interim") }
func (db *DB) Truth(ctx context.Context) (*Truth, error)                      { panic("interim") }
func (db *DB) TruthAt(ctx context.Context, revision int64) (*Truth, error)    { panic("interim") }
func (db *DB) RevisionAt(ctx context.Context, t time.Time) (int64, error)     { panic("interim") }
func (db *DB) Account(ctx context.Context, name string) (Account, error)      { panic("interim") }
func (db *DB) RemovedAccounts(ctx context.Context) ([]Account, error)         { panic("interim") }
func (db *DB) Losses(ctx context.Context, since time.Time) ([]Loss, error)    { panic("interim") }
func (db *DB) Revisions(ctx context.Context, limit int) ([]Revision, error)   { panic("interim") }
func (db *DB) History(ctx context.Context, accountID string) ([]Event, error) { panic("interim") }
func (db *DB) Messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	panic("interim")
}
func (db *DB) Message(ctx context.Context, id int64) (Message, error) { panic("interim") }
func (db *DB) Holds(ctx context.Context, all bool) ([]Hold, error)    { panic("interim") }
func (db *DB) Verify(ctx context.Context) error                       { panic("interim") }
func (db *DB) Own(ctx context.Context) (*Owner, error)                { panic("interim") }
func (o *Owner) Close() error                                         { panic("interim") }
func (o *Owner) Update(ctx context.Context, cause Cause, on int64, fn func(*Tx) error) (Revision, error) {
	panic("interim")
}
func (tx *Tx) AddAccount(u *spec.User, active bool) (Account, error)  { panic("interim") }
func (tx *Tx) ReviveAccount(id string, u *spec.User) (Account, error) { panic("interim") }
func (tx *Tx) RemoveAccount(id string, because []spec.Origin) error   { panic("interim") }
func (tx *Tx) ChangeAccount(id string, u *spec.User) error            { panic("interim") }
func (tx *Tx) Invite(id string, generation int) (Account, error)      { panic("interim") }
func (tx *Tx) Grant(id string, g spec.Grant) error                    { panic("interim") }
func (tx *Tx) Revoke(id string, g spec.Grant) error                   { panic("interim") }
func (tx *Tx) ChangeGrant(id string, from, to spec.Grant) error       { panic("interim") }
func (tx *Tx) Assign(contract, id string, role spec.Role) error       { panic("interim") }
func (tx *Tx) Unassign(contract, id string, role spec.Role) error     { panic("interim") }
func (tx *Tx) PutProduct(p *spec.Product) error                       { panic("interim") }
func (tx *Tx) RemoveProduct(name string) error                        { panic("interim") }
func (tx *Tx) PutContract(c *spec.Contract) error                     { panic("interim") }
func (tx *Tx) RemoveContract(name string) error                       { panic("interim") }
func (tx *Tx) PutTeam(t *spec.Team, memberIDs []string) error         { panic("interim") }
func (tx *Tx) RemoveTeam(name string) error                           { panic("interim") }
func (tx *Tx) Explain(id string, g spec.Grant) error                  { panic("interim") }
func (tx *Tx) Queue(m Message) (int64, error)                         { panic("interim") }
func (tx *Tx) SetCalendarDay(d spec.Day) error                        { panic("interim") }
func (tx *Tx) UseApproval(planID string) error                        { panic("interim") }
func (db *DB) Fill(m Message) ([]byte, error)                         { panic("interim") }
func (db *DB) Redacted(m Message) []byte                              { panic("interim") }
func (o *Owner) Hold(ctx context.Context, h Hold) error               { panic("interim") }
func (o *Owner) ReleaseHolds(ctx context.Context) error               { panic("interim") }
func (o *Owner) Approve(ctx context.Context, planID, by string) (Hold, error) {
	panic("interim")
}
func (o *Owner) Resend(ctx context.Context, name, by string, compose func(Account, *spec.User, int64, time.Time) (Message, error)) error {
	panic("interim")
}
func (o *Owner) Due(ctx context.Context, limit int) ([]Message, error) { panic("interim") }
func (o *Owner) Sent(ctx context.Context, id int64) error              { panic("interim") }
func (o *Owner) Retry(ctx context.Context, id int64, next time.Time, reason string) error {
	panic("interim")
}
func (o *Owner) Failed(ctx context.Context, id int64, reason string) error { panic("interim") }
func (o *Owner) Requeue(ctx context.Context, ids ...int64) (int, error)    { panic("interim") }
func (db *DB) Ask(ctx context.Context, kind, argument, by string) (int64, error) {
	panic("interim")
}
func (db *DB) Requests(ctx context.Context, open bool) ([]Request, error)  { panic("interim") }
func (o *Owner) Answer(ctx context.Context, id int64, result string) error { panic("interim") }
