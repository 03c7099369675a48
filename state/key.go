package state

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Placeholder stands in a message's body where the given password belongs. It
// has a given password's length, so that filling it in moves no line break; its
// characters pass through quoted-printable, HTML and headers unchanged; and its
// U, which no given password contains, keeps it from ever being one.
const Placeholder = "UUUU-PASS-WORD-UUUU"

const (
	keySize         = 32 // bytes
	passwordSize    = 10 // bytes: 80 bits
	keyFileSuffix   = ".key"
	redacted        = "(given password, shown only in the message sent)"
	fingerprintMeta = "key fingerprint"
)

// crockford has no I, L, O and U, which are easily taken for something else.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// createKey writes a new key beside the database, whole or not at all, unless
// there is one: whoever comes second uses what the first has made.
func createKey(path string, random io.Reader) error {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return fmt.Errorf("making the instance key: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".usher-key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("making the instance key: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("writing the instance key: %w", err)
	}
	// A link, unlike a renaming, never replaces a key that is there.
	if err := os.Link(file.Name(), path+keyFileSuffix); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing the instance key: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a new name in the directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readKey reads the key that belongs to the database at path.
func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path + keyFileSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: its key %s is missing; put it back from where you keep it", ErrDamaged, path+keyFileSuffix)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the instance key: %w", err)
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%w: %s does not hold a key; put back the one the state was made with", ErrDamaged, path+keyFileSuffix)
	}
	return key, nil
}

func fingerprint(key []byte) string {
	return hex.EncodeToString(keyed(key, "fingerprint"))
}

func putFingerprint(ctx context.Context, tx *sql.Tx, key []byte) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES (?, ?)", fingerprintMeta, fingerprint(key))
	return err
}

// checkFingerprint finds out whether the key is the one the database was made
// with: with another, every given password on its way would be wrong.
func checkFingerprint(ctx context.Context, q querier, key []byte) error {
	var want string
	err := q.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", fingerprintMeta).Scan(&want)
	if err != nil {
		return err
	}
	if fingerprint(key) != want {
		return fmt.Errorf("%w: its key is not the one it was made with; put that one back", ErrDamaged)
	}
	return nil
}

// instanceKey returns the key, which a reader fetches only when it needs it:
// most of those who may read the state need not be able to read the key.
func (db *DB) instanceKey(ctx context.Context) ([]byte, error) {
	if db.key != nil {
		return db.key, nil
	}
	key, err := readKey(db.path)
	if err != nil {
		return nil, err
	}
	return key, checkFingerprint(ctx, db.reader, key)
}

// keyed is the HMAC-SHA256 under the key of a purpose and its parts, each
// preceded by its length so that no two lists of parts read the same.
func keyed(key []byte, purpose string, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range append([]string{purpose}, parts...) {
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return mac.Sum(nil)
}

// givenPassword derives the given password of an invitation: 80 bits as
// XXXX-XXXX-XXXX-XXXX. It rests nowhere; it is derived again whenever the message
// is sent (DOMAIN.md, "Given password").
func givenPassword(key []byte, account string, issue int) string {
	return shown(keyed(key, "given password", account, strconv.Itoa(issue)))
}

// shown writes the first 80 bits of a sum for people to type.
func shown(sum []byte) string { return hyphened(crockford.EncodeToString(sum[:passwordSize])) }

func hyphened(s string) string { return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:] }

// secretHash is what the state keeps of a given password: enough to know it
// when it comes back, nothing to guess it from without the key.
func secretHash(key []byte, account string, issue int) []byte {
	return keyed(key, "given password hash", givenPassword(key, account, issue))
}

// Fill returns the message's bytes with its given password or reset code filled in,
// the same bytes every time. A message without either is returned as it is. The
// result is for the transport alone; it must not be kept.
func (db *DB) Fill(m Message) ([]byte, error) {
	if m.Issue == 0 {
		return m.Body, nil
	}
	if !bytes.Contains(m.Body, []byte(Placeholder)) {
		return nil, fmt.Errorf("filling in the given password of message %d: its body has no place for it", m.ID)
	}
	key, err := db.instanceKey(context.Background())
	if err != nil {
		return nil, fmt.Errorf("filling in the given password of message %d: %w", m.ID, err)
	}
	password := ""
	if m.Issue > 0 {
		password = givenPassword(key, m.Account, m.Issue)
	} else {
		password = resetCode(key, m.Account, -m.Issue)
	}
	return bytes.ReplaceAll(m.Body, []byte(Placeholder), []byte(password)), nil
}

// Redacted returns the message's bytes with a remark where the given password
// belongs.
func (db *DB) Redacted(m Message) []byte {
	return bytes.ReplaceAll(m.Body, []byte(Placeholder), []byte(redacted))
}
