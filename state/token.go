package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Scope is one thing that a token lets a program do over the HTTP API.
type Scope string

// The scopes. Each opens as little as is of use alone.
const (
	ScopeReadUsers     Scope = "read:users"     // who there is, with status, roles and access
	ScopeReadAccess    Scope = "read:access"    // whether one person may use one product
	ScopeReadSeats     Scope = "read:seats"     // seats bought, assigned, free
	ScopeReadCredits   Scope = "read:credits"   // cloud credits used and left
	ScopeReadRevisions Scope = "read:revisions" // what was applied, when and by whom
	ScopeReadHolds     Scope = "read:holds"     // plans that wait for a person, in full
	ScopeWriteCredits  Scope = "write:credits"  // hand in the use of cloud credits
	ScopeApproveHolds  Scope = "approve:holds"  // let a held plan through, once
	ScopePlan          Scope = "plan"           // what manifests that are sent would change; shows whoever is not in them
)

// Scopes is every scope there is.
var Scopes = []Scope{
	ScopeReadUsers, ScopeReadAccess, ScopeReadSeats, ScopeReadCredits, ScopeReadRevisions, ScopeReadHolds,
	ScopeWriteCredits, ScopeApproveHolds, ScopePlan,
}

// Token is what is kept of a token: everything but the token itself.
//
// Tokens decide nothing about who has access, so making one is no revision and
// stands in no audit: the row says who made it and who ended it, and is never
// deleted. It takes one short transaction, without the lock, beside whoever
// holds it.
type Token struct {
	ID        int64
	Name      string // unique among those that are not revoked
	Hint      string // how it begins, to know it by: "usher_k3vq"
	Scopes    []Scope
	Created   time.Time
	By        string
	Expires   time.Time // the moment from which it opens nothing; zero: never
	Used      time.Time // to the hour; zero: never
	Revoked   time.Time
	RevokedBy string
}

// Has reports whether the token has a scope.
func (t *Token) Has(s Scope) bool { return slices.Contains(t.Scopes, s) }

// Standing is "active", "expired" or "revoked".
func (t *Token) Standing(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return "expired"
	}
	return "active"
}

// A token is its prefix, 160 random bits, and a checksum of all before it, so that
// one that got into a file or a log can be found by its form, and is not taken for
// something else that looks alike: usher_[a-z2-7]{39}.
const (
	tokenPrefix = "usher_"
	tokenBytes  = 20
	tokenHint   = len(tokenPrefix) + 4
)

// TokenForm is what every token looks like, for whoever looks for lost ones.
const TokenForm = `usher_[a-z2-7]{39}`

var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

var tokenForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^` + TokenForm + `$`)
})

// newToken makes a token.
func newToken(random io.Reader) (string, error) {
	bits := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, bits); err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	body := tokenPrefix + tokenEncoding.EncodeToString(bits)
	return body + tokenChecksum(body), nil
}

// tokenChecksum is the CRC-32 (IEEE) of what stands before it, in seven characters.
func tokenChecksum(body string) string {
	return tokenEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

// isToken reports whether text has a token's form and checksum.
func isToken(text string) bool {
	if !tokenForm().MatchString(text) {
		return false
	}
	body := text[:len(text)-7]
	return tokenChecksum(body) == text[len(body):]
}

// tokenHash is what is kept of a token. It needs no salt and no slow hash: nobody
// guesses 160 random bits.
func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

var tokenName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)
})

// ErrTokenName means that a token cannot have the name.
var ErrTokenName = errors.New("not a name for a token")

// CreateToken makes a token for t.Name with t.Scopes until t.Expires, asked for by
// t.By, and returns it: it cannot be had again. [ErrTokenName] where the name is
// taken by a token that is not revoked, or is none.
func (db *DB) CreateToken(ctx context.Context, t Token) (string, Token, error) {
	if !tokenName().MatchString(t.Name) {
		return "", t, fmt.Errorf("%w: %q; use a-z, 0-9, dots and hyphens, at most 63", ErrTokenName, t.Name)
	}
	token, err := newToken(db.options.Rand)
	if err != nil {
		return "", t, err
	}
	scopes, err := encode(t.Scopes)
	if err != nil {
		return "", t, err
	}
	t.Hint, t.Created = token[:tokenHint], db.now()
	err = db.transact(ctx, func(tx *sql.Tx) error {
		var taken int
		err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM token WHERE name = ? AND revoked = 0", t.Name).Scan(&taken)
		if err != nil {
			return err
		}
		if taken > 0 {
			return fmt.Errorf("%w: %s is taken; revoke it first, or choose another", ErrTokenName, t.Name)
		}
		const put = `INSERT INTO token (name, hint, hash, scopes, created, created_by, expires, used, revoked, revoked_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '') RETURNING id`
		return tx.QueryRowContext(ctx, put, t.Name, t.Hint, tokenHash(token), scopes, millis(t.Created), t.By, millis(t.Expires)).Scan(&t.ID)
	})
	if err != nil {
		return "", t, fmt.Errorf("creating a token: %w", fault(err))
	}
	return token, t, nil
}

const tokenColumns = "SELECT id, name, hint, scopes, created, created_by, expires, used, revoked, revoked_by FROM token"

func scanToken(scan scanner) (t Token, err error) {
	var scopes string
	var created, expires, used, revoked int64
	err = scan(&t.ID, &t.Name, &t.Hint, &scopes, &created, &t.By, &expires, &used, &revoked, &t.RevokedBy)
	if err != nil {
		return t, err
	}
	t.Created, t.Expires, t.Used, t.Revoked = moment(created), moment(expires), moment(used), moment(revoked)
	return t, decode(scopes, &t.Scopes)
}

// Tokens returns the tokens by name; revoked ones too with all.
func (db *DB) Tokens(ctx context.Context, all bool) ([]Token, error) {
	query := tokenColumns + " WHERE revoked = 0 ORDER BY name"
	if all {
		query = tokenColumns + " ORDER BY name, id"
	}
	tokens, err := collect(ctx, db.reader, query, nil, scanToken)
	if err != nil {
		return nil, fmt.Errorf("reading tokens: %w", err)
	}
	return tokens, nil
}

// Token finds what is on record of a token, whatever its standing. [ErrNotFound]
// where it is none of ours.
func (db *DB) Token(ctx context.Context, token string) (Token, error) {
	if !isToken(token) {
		return Token{}, ErrNotFound
	}
	t, err := scanToken(db.reader.QueryRowContext(ctx, tokenColumns+" WHERE hash = ?", tokenHash(token)).Scan)
	if err != nil {
		return Token{}, fmt.Errorf("reading a token: %w", fault(err))
	}
	return t, nil
}

// RevokeToken ends the token of that name at once; [ErrNotFound] where there is
// none, or it is revoked already.
func (db *DB) RevokeToken(ctx context.Context, name, by string) error {
	err := db.transact(ctx, func(tx *sql.Tx) error {
		var id int64
		row := tx.QueryRowContext(ctx, "UPDATE token SET revoked = ?, revoked_by = ? WHERE name = ? AND revoked = 0 RETURNING id", millis(db.now()), by, name)
		return noRows(row.Scan(&id))
	})
	if err != nil {
		return fmt.Errorf("revoking token %s: %w", name, fault(err))
	}
	return nil
}

// UseToken records that a token was used now, to the hour.
func (db *DB) UseToken(ctx context.Context, id int64) error {
	err := db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE token SET used = ? WHERE id = ?", millis(db.now().Truncate(time.Hour)), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording the use of a token: %w", fault(err))
	}
	return nil
}

// ParseScopes reads scopes, in any order; they come back sorted as [Scopes] is.
func ParseScopes(words []string) ([]Scope, error) {
	var wrong []string
	asked := map[Scope]bool{}
	for _, word := range words {
		if !slices.Contains(Scopes, Scope(word)) {
			wrong = append(wrong, fmt.Sprintf("%q", word))
		}
		asked[Scope(word)] = true
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("there is no scope %s", strings.Join(wrong, ", "))
	}
	var scopes []Scope
	for _, s := range Scopes {
		if asked[s] {
			scopes = append(scopes, s)
		}
	}
	return scopes, nil
}
