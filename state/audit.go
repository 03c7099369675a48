package state

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"usher/spec"
)

// verb is what an audited entry does. The names are on record: never change one.
type verb string

const (
	doAdd      verb = "add"    // an account
	doReturn   verb = "return" // an account that was removed
	doChange   verb = "change" // a person
	doRemove   verb = "remove"
	doInvite   verb = "invite"
	doUninvite verb = "uninvite"
	doActivate verb = "activate" // an account; beside the revisions
	doForget   verb = "forget"   // who a removed account was; beside the revisions
	doGrant    verb = "grant"
	doRegrant  verb = "regrant" // days, reason or contract of access
	doRevoke   verb = "revoke"
	doAssign   verb = "assign"
	doUnassign verb = "unassign"
	doJoin     verb = "join"
	doLeave    verb = "leave"
	doPut      verb = "put"  // a product, contract or team
	doDrop     verb = "drop" // a product, contract or team
	doClose    verb = "revision"
)

// changes reports whether an entry is a change as a plan counts them; the others
// follow from one.
func (v verb) changes() bool {
	switch v {
	case doInvite, doUninvite, doJoin, doLeave, doActivate, doForget:
		return false
	}
	return true
}

// entry is one audited change. Its JSON is hashed as it is stored: fields are
// only ever added, at the end. It holds nothing personal; what is stands in
// personal, in a row of its own to which the audit row holds a commitment.
type entry struct {
	Do         verb            `json:"do"`
	Contract   string          `json:"contract,omitempty"`
	Product    string          `json:"product,omitempty"`
	Days       *[2]int32       `json:"days,omitempty"`
	Was        *place          `json:"was,omitempty"`
	Role       spec.Role       `json:"role,omitempty"`
	Team       string          `json:"team,omitempty"`
	Active     bool            `json:"active,omitempty"`
	Suspended  bool            `json:"suspended,omitempty"`
	Generation int             `json:"generation,omitempty"`
	Issue      int             `json:"issue,omitempty"`
	Expires    int64           `json:"expires,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
	Revision   *closing        `json:"revision,omitempty"`

	personal *personal
}

// place is where and when access was before it changed.
type place struct {
	Contract string   `json:"contract"`
	Product  string   `json:"product"`
	Days     [2]int32 `json:"days"`
}

// closing is what the last entry of a revision says of it.
type closing struct {
	Cause       CauseKind `json:"cause"`
	Source      string    `json:"source,omitempty"`
	Commit      string    `json:"commit,omitempty"`
	Digest      string    `json:"digest,omitempty"`
	PlanID      string    `json:"plan,omitempty"`
	Approved    bool      `json:"approved,omitempty"`
	CalendarDay int32     `json:"calendarDay"`
	Changes     int       `json:"changes"`
	Messages    int       `json:"messages"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Parents     string    `json:"parents,omitempty"`
}

// personal is the part of an entry that can be forgotten.
type personal struct {
	Person  *identity     `json:"person,omitempty"`
	Reason  string        `json:"reason,omitempty"`
	Because []spec.Origin `json:"because,omitempty"`
	Reasons []string      `json:"reasons,omitempty"` // of a team's access, one each
	Support string        `json:"support,omitempty"` // support address of a contract
	Path    string        `json:"path,omitempty"`    // what was read
	By      string        `json:"by,omitempty"`      // who asked

	// Of the commit of a revision.
	Author    string `json:"author,omitempty"`
	Committer string `json:"committer,omitempty"`
	Signer    string `json:"signer,omitempty"`
}

// Subjects of audit rows: what they are about.
const (
	aboutAccount  = "account/"
	aboutTeam     = "team/"
	aboutProduct  = "product/"
	aboutContract = "contract/"
	aboutRevision = "revision/"
)

// gatheredEntries is how many entries are gathered by subject before they are
// written: it bounds what a revision of a million changes keeps in memory.
const gatheredEntries = 5000

// trail gathers the audit of one revision, one row a subject.
type trail struct {
	chains  []chain        // in order of first mention
	of      map[string]int // subject -> place in chains
	links   []gathered
	row     []entry // room for those of one row
	changes int
	seq     int64  // of the last row of the chain
	hash    []byte // of that row; nil: not read yet
}

// chain is the entries about one subject: places in a trail's links.
type chain struct {
	subject     string
	first, last int
}

// gathered is an entry and the place of the next about the same subject; 0: none.
type gathered struct {
	entry
	next int
}

func (t *trail) start() { t.of = map[string]int{} }

// add gathers an entry.
func (t *trail) add(subject string, e entry) {
	place := len(t.links)
	t.links = append(t.links, gathered{entry: e})
	if i, known := t.of[subject]; known {
		t.links[t.chains[i].last].next = place
		t.chains[i].last = place
		return
	}
	t.of[subject] = len(t.chains)
	t.chains = append(t.chains, chain{subject, place, place})
}

// about returns the entries of a chain, which are good until it is asked again.
func (t *trail) about(c chain) []entry {
	t.row = t.row[:0]
	for place := c.first; ; place = t.links[place].next {
		t.row = append(t.row, t.links[place].entry)
		if place == c.last {
			return t.row
		}
	}
}

// record gathers one entry about a subject.
func (tx *Tx) record(subject string, e entry) error {
	t := &tx.trail
	t.add(subject, e)
	if e.Do.changes() {
		t.changes++
	}
	if len(t.links) < gatheredEntries {
		return nil
	}
	return tx.writeTrail()
}

// writeTrail writes the audit rows gathered.
func (tx *Tx) writeTrail() error {
	t := &tx.trail
	if err := tx.readChain(); err != nil {
		return err
	}
	for _, c := range t.chains {
		if err := tx.writeLink(c.subject, t.about(c)); err != nil {
			return fmt.Errorf("writing the audit of %s: %w", c.subject, err)
		}
	}
	clear(t.of)
	clear(t.chains)
	clear(t.links)
	t.chains, t.links = t.chains[:0], t.links[:0]
	return nil
}

// readChain finds the end of the chain.
func (tx *Tx) readChain() error {
	t := &tx.trail
	if t.hash != nil {
		return nil
	}
	err := tx.get("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", nil, &t.seq, &t.hash)
	if errors.Is(err, sql.ErrNoRows) {
		t.seq, t.hash = 0, make([]byte, sha256.Size)
		return nil
	}
	return err
}

// writeLink writes one row of the chain, and the personal part it commits to.
func (tx *Tx) writeLink(subject string, entries []entry) error {
	t := &tx.trail
	text, err := tx.encode(entries)
	if err != nil {
		return err
	}
	row := link{seq: t.seq + 1, revision: tx.Revision, at: millis(tx.Now), subject: subject, entries: text, commitment: []byte{}}
	value, err := tx.personalOf(entries)
	if err != nil {
		return err
	}
	if value != "" {
		salt := make([]byte, 16)
		if _, err := io.ReadFull(tx.db.options.Rand, salt); err != nil {
			return err
		}
		row.commitment = commitment(salt, value)
		if err := tx.insert(&tx.rows.personal, row.seq, salt, value); err != nil {
			return err
		}
	}
	t.seq, t.hash = row.seq, row.sum(t.hash)
	return tx.insert(&tx.rows.audit, row.seq, row.revision, row.at, row.subject, row.entries, row.commitment, t.hash)
}

// personalOf returns the personal parts of the entries as a JSON array in step
// with them, "" where none has any.
func (tx *Tx) personalOf(entries []entry) (string, error) {
	parts := make([]*personal, len(entries))
	some := false
	for i := range entries {
		parts[i] = entries[i].personal
		some = some || parts[i] != nil
	}
	if !some {
		return "", nil
	}
	return tx.encode(parts)
}

// canonicalText writes JSON in the one form that is stored: fields in the order of
// their declaration, no spaces, nothing escaped for HTML. It is for writing many.
type canonicalText struct {
	buffer  bytes.Buffer
	encoder *json.Encoder
}

// of returns the text of a value, which is good until the next is asked for.
func (c *canonicalText) of(v any) ([]byte, error) {
	if c.encoder == nil {
		c.encoder = json.NewEncoder(&c.buffer)
		c.encoder.SetEscapeHTML(false)
	}
	c.buffer.Reset()
	if err := c.encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(c.buffer.Bytes(), []byte("\n")), nil
}

// canonical is the canonicalText of one value.
func canonical(v any) ([]byte, error) { return new(canonicalText).of(v) }

// commitment binds an audit row to a value without giving it away: without the
// salt not even a guessed value can be tried.
func commitment(salt []byte, value string) []byte {
	text := make([]byte, 0, 1024)
	sum := sha256.Sum256(append(append(text, salt...), value...))
	return sum[:]
}

// link is one row of the audit chain.
type link struct {
	seq, revision, at int64
	subject, entries  string
	commitment        []byte
}

// sum is the hash of the row after the one whose hash is prev. Each field is
// preceded by its length, so that no two rows read the same.
func (l link) sum(prev []byte) []byte {
	text := make([]byte, 0, 256+len(l.subject)+len(l.entries)) // all of it: hashed at once
	text = append(text, prev...)
	for _, n := range []int64{l.seq, l.revision, l.at} {
		text = binary.BigEndian.AppendUint64(text, uint64(n))
	}
	for _, field := range []string{l.subject, l.entries, string(l.commitment)} {
		text = binary.BigEndian.AppendUint64(text, uint64(len(field)))
		text = append(text, field...)
	}
	sum := sha256.Sum256(text)
	return sum[:]
}
