package render

import (
	"strings"
	"time"

	"usher/state"
)

// tokenItem is a token of the API in JSON, without the token itself.
type tokenItem struct {
	Name      string        `json:"name"`
	Hint      string        `json:"hint"`
	Standing  string        `json:"standing"`
	Scopes    []state.Scope `json:"scopes"`
	CreatedAt string        `json:"createdAt"`
	CreatedBy string        `json:"createdBy"`
	Expires   string        `json:"expires"`
	UsedAt    string        `json:"usedAt"`
	RevokedAt string        `json:"revokedAt"`
	RevokedBy string        `json:"revokedBy"`
}

// Tokens lists tokens as they stand at a time.
func Tokens(list []state.Token, now time.Time) List {
	items, rows := make([]tokenItem, len(list)), make([][]string, len(list))
	for i := range list {
		t := &list[i]
		items[i] = tokenItem{
			t.Name, t.Hint, t.Standing(now), orEmpty(t.Scopes), moment(t.Created), t.By,
			moment(t.Expires), moment(t.Used), moment(t.Revoked), t.RevokedBy,
		}
		rows[i] = []string{t.Name, t.Hint + "…", items[i].Standing, Scopes(t.Scopes), day(t.Created), t.By, dayOr(t.Expires, "never"), dayOr(t.Used, "never")}
	}
	return List{[]string{"name", "token", "standing", "scopes", "created", "by", "expires", "last used"}, rows, items}
}

// Scopes lists what a token is for: "read:users, plan".
func Scopes(scopes []state.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// dayOr is the UTC day of a time, or a word for the zero time.
func dayOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return day(t)
}
