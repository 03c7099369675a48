package reconciler

import (
	"context"
	"time"

	"usher/spec"
	"usher/state"
)

// Commit is a commit as its object says. Nothing in it is proven: who signed it
// is the [Signer] of its [Step].
type Commit struct {
	ID        string
	Subject   string   // the first line of its message
	Message   string   // all of it; empty where nobody asked for the commit by itself
	Parents   []string // ids; more than one: a merge
	Author    Identity
	Committer Identity
}

// Identity is who a commit names, and when.
type Identity struct {
	Name, Email string
	At          time.Time
}

// Step is one commit on the way from what is applied to what is wanted.
type Step struct {
	Commit
	Standing      Standing
	Roster        *spec.Roster // what it asks for; nil: its manifests are not valid
	Edit          *Manifests   // of [Tracker.Edits]: the same, as an edit of what is applied
	Signer        Signer
	Authorises    []string // commit ids of its Usher-Authorises trailers, 12 digits or more
	AllowRemovals *int     // of its Usher-Allow-Removals trailer; nil: none
	Forge         bool     // signed by a key of the forge: its author stands for it
}

// Standing is where a step stands in time.
type Standing int

// The standings of a step. Only new ones are judged.
const (
	StandingNew     Standing = iota // not applied yet
	StandingApplied                 // the commit that is applied
	StandingEarlier                 // before that one; a new step builds on it
)

// Signer is the key whose signature a commit carries.
type Signer struct {
	Key         string // "TYPE BASE64", as in spec.User.SigningKeys; "" where there is a problem
	Fingerprint string // "SHA256:…"; "" where no key can be told
	Problem     string // why nobody answers for the commit: "not signed"; "" where the signature fits
}

// Refusal is one change that nobody who made it had a right to.
type Refusal struct {
	Commit  string   // id of the commit that made the change last
	Subject string   // the first line of its message
	Signer  string   // name of the user, else the key's fingerprint, else ""
	Problem string   // why that signature does not count: "not signed"; "" where it does
	Change  Change   // between what was last accepted and what is wanted
	Missing string   // what the signer should be: "contract manager of acme-design"
	Ways    []string // what cures it
}

// Historian is a Source whose manifests come from commits.
type Historian interface {
	Source
	// Steps returns the commits that are reachable from commit and not from
	// applied, parents before children, and before them the applied one and those
	// that new ones build on. Without an applied commit, or where that is gone, it
	// is the whole history.
	Steps(ctx context.Context, applied, commit string, today spec.Day) ([]Step, error)
	// Descends reports whether commit is applied or comes after it. An applied
	// commit that is gone is no ancestor of anything.
	Descends(ctx context.Context, applied, commit string) (bool, error)
	// Commit returns one commit by any name that git has for it.
	Commit(ctx context.Context, name string) (Commit, error)
}

// Tracker is a Historian that can tell commits as edits, at the cost of what differs.
type Tracker interface {
	Historian
	// Edits returns the commits that Steps does, without their rosters, each as an edit
	// of the tree that is applied; nil where that cannot be told.
	Edits(ctx context.Context, applied Snapshot, commit string) ([]Step, error)
}

// Review is what is judged: how a wanted tree came to be.
type Review struct {
	Base  *spec.Roster // as applied, or as trusted at first use
	Steps []Step       // parents before children; the last one is wanted
	Now   time.Time
}

// Authority judges every change that the steps of a review make (DOMAIN.md,
// "Authority"). Where it accepts, whoever made them had the right to; else each
// change that nobody had a right to comes back. It is a pure function.
//
// Commits are judged one by one, each by the roster accepted last among those it
// builds on. A commit is accepted once every fact in which it differs from that
// roster was changed last by somebody who may; until then what later commits undo
// is not judged. A merge answers for what it makes different from the newest that
// its parents have; and a power that one side of it took away does not count on
// the other side.
func Authority(r Review) (accepted bool, refusals []Refusal) {
	t := newTrial(r)
	for i := range r.Steps {
		t.walk(i)
	}
	return t.verdict()
}

// ruleAuthority holds a change that nobody had the right to make; its scope is
// the commit.
const ruleAuthority = "authority"

// Approvable reports whether `usher approve` can let a plan through that is held
// by these rules. Approval releases limits, never authority.
func Approvable(held []state.HeldRule) bool {
	for _, rule := range held {
		if rule.Rule == ruleAuthority {
			return false
		}
	}
	return true
}
