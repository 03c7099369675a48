package state

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// keySeparator stands between the parts of a sort key; no name contains it, and it
// sorts before whatever one does.
const keySeparator = "\t"

// FoldForSearch is the form in which names are searched and sorted: without case,
// accents and needless spaces, so that "oberg" finds Öberg.
func FoldForSearch(s string) string {
	if !isASCII(s) {
		bare := strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFKD.String(s))
		s = norm.NFC.String(cases.Fold().String(bare))
	}
	return strings.Join(strings.Fields(strings.ToLower(s)), " ")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func (i *identity) sortKey() string {
	return FoldForSearch(i.LastName) + keySeparator + i.firstKey() + keySeparator + i.EmailKey
}

func (i *identity) firstKey() string { return FoldForSearch(i.FirstName) }

// words lists, sorted, the words of names and of the local part that do not begin
// what has an index of its own; of a domain, which many share, there are none. Parts count as words both with and without what
// joins them: Jones-Smith, Jones and Smith.
func (i *identity) words() []string {
	local, _, _ := strings.Cut(i.EmailKey, "@")
	name, _, _ := strings.Cut(i.Name, "@")
	last, first := FoldForSearch(i.LastName), i.firstKey()
	beginnings := []string{last, first, i.Name, i.EmailKey}
	var words []string
	for _, text := range []string{last, first, FoldForSearch(name), FoldForSearch(local)} {
		for _, word := range append(strings.Fields(text), strings.FieldsFunc(text, joinsWords)...) {
			if !slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(b, word) }) {
				words = append(words, word)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func joinsWords(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
}

// fillSearch makes what people are found by for rows that were written before it
// was kept.
func fillSearch(ctx context.Context, tx *sql.Tx) error {
	const inForce = "SELECT seq, account, name, email_key, first_name, last_name FROM person WHERE until IS NULL"
	type row struct {
		seq     int64
		account string
		identity
	}
	rows, err := collect(ctx, tx, inForce, nil, func(scan scanner) (r row, err error) {
		err = scan(&r.seq, &r.account, &r.Name, &r.EmailKey, &r.FirstName, &r.LastName)
		return r, err
	})
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		_, err := tx.ExecContext(ctx, "UPDATE person SET sort_key = ?, first_key = ? WHERE seq = ?", r.sortKey(), r.firstKey(), r.seq)
		for _, word := range r.words() {
			if err == nil {
				_, err = tx.ExecContext(ctx, "INSERT INTO person_word (account, word) VALUES (?, ?)", r.account, word)
			}
		}
		if err != nil {
			return fmt.Errorf("writing what people are found by: %w", err)
		}
	}
	return nil
}
