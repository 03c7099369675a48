package state_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
)

func (h *house) token(t state.Token) (string, state.Token) {
	h.t.Helper()
	secret, made, err := h.db.CreateToken(context.Background(), t)
	if err != nil {
		h.t.Fatalf("CreateToken: %v", err)
	}
	return secret, made
}

// TestToken: what was made is found by the token, and by nothing that is only like it.
func TestToken(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	want := state.Token{
		Name: "ci", Scopes: []state.Scope{state.ScopePlan, state.ScopeReadUsers},
		By: "olu", Expires: dayOne.Add(90 * 24 * time.Hour),
	}
	secret, made := h.token(want)
	if form := regexp.MustCompile(`^` + state.TokenForm + `$`); !form.MatchString(secret) {
		t.Errorf("the token %q has not the form %s", secret, state.TokenForm)
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(secret[:len(secret)-7])))
	if want := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum)); secret[len(secret)-7:] != want {
		t.Errorf("the token %q does not end with the checksum %s", secret, want)
	}
	want.ID, want.Created, want.Hint = made.ID, dayOne.Truncate(time.Millisecond), secret[:10]
	got, err := h.db.Token(ctx, secret)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Token: %v (-want +got):\n%s", err, diff)
	}
	if !got.Has(state.ScopePlan) || got.Has(state.ScopeReadHolds) {
		t.Errorf("scopes of %v: want plan, and not read:holds", got.Scopes)
	}
	other := "a"
	if strings.HasSuffix(secret, other) {
		other = "b"
	}
	for _, wrong := range []string{
		"", "usher_", secret + "a", secret[1:], strings.ToUpper(secret), secret[:len(secret)-1] + other,
		"usher_" + strings.Repeat("a", 39), secret + "\n",
	} {
		if got, err := h.db.Token(ctx, wrong); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("Token(%q) = %v, %v; want ErrNotFound", wrong, got, err)
		}
	}
}

// TestTokensRestNowhere: neither the database nor what is written beside it holds
// a token.
func TestTokensRestNowhere(t *testing.T) {
	h := newHouse(t)
	secret, _ := h.token(state.Token{Name: "ci"})
	for _, file := range []string{h.path, h.path + "-wal", h.path + ".head"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(secret[10:])) {
			t.Errorf("%s holds the token", file)
		}
	}
}

// TestTokenStanding: one is made and ended beside whoever holds the lock, and a
// name is free again once its token is revoked.
func TestTokenStanding(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	beside := h.open(state.Options{Command: "usher token"})
	secret, made, err := beside.CreateToken(ctx, state.Token{Name: "ci", Expires: dayOne.Add(time.Hour)})
	must(t, err)
	if _, _, err := beside.CreateToken(ctx, state.Token{Name: "ci"}); !errors.Is(err, state.ErrTokenName) {
		t.Errorf("a second token of the name: %v, want ErrTokenName", err)
	}
	for _, name := range []string{"", "CI", "-ci", "a b", "ci\n", strings.Repeat("a", 64)} {
		if _, _, err := beside.CreateToken(ctx, state.Token{Name: name}); !errors.Is(err, state.ErrTokenName) {
			t.Errorf("a token named %q: %v, want ErrTokenName", name, err)
		}
	}
	standing := func(want string) {
		t.Helper()
		got, err := h.db.Token(ctx, secret)
		if err != nil || got.Standing(h.clock()) != want {
			t.Errorf("standing: %s, %v; want %s", got.Standing(h.clock()), err, want)
		}
	}
	standing("active")
	h.pass(30 * time.Minute)
	must(t, h.db.UseToken(ctx, made.ID))
	h.pass(30 * time.Minute)
	standing("expired")
	must(t, beside.RevokeToken(ctx, "ci", "ada"))
	standing("revoked")
	if err := beside.RevokeToken(ctx, "ci", "ada"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("revoking it again: %v, want ErrNotFound", err)
	}
	second, _, err := beside.CreateToken(ctx, state.Token{Name: "ci"})
	must(t, err)
	open, err := h.db.Tokens(ctx, false)
	must(t, err)
	all, err := h.db.Tokens(ctx, true)
	must(t, err)
	if len(open) != 1 || open[0].Hint != second[:10] || len(all) != 2 {
		t.Errorf("tokens: %v, and with revoked ones %v; want the second, and both", open, all)
	}
	first := all[0]
	want := state.Token{
		ID: made.ID, Name: "ci", Hint: secret[:10], Created: made.Created, Expires: made.Expires,
		Used: dayOne.Add(30 * time.Minute).Truncate(time.Hour), Revoked: dayOne.Add(time.Hour).Truncate(time.Millisecond), RevokedBy: "ada",
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("the revoked token (-want +got):\n%s", diff)
	}
	must(t, h.verify())
}

func TestParseScopes(t *testing.T) {
	tests := []struct {
		words []string
		want  []state.Scope
		err   string
	}{
		{[]string{"plan", "read:users", "plan"}, []state.Scope{state.ScopeReadUsers, state.ScopePlan}, ""},
		{nil, nil, ""},
		{[]string{"read:user", "plan", "admin"}, nil, `there is no scope "read:user", "admin"`},
	}
	for _, tt := range tests {
		got, err := state.ParseScopes(tt.words)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("ParseScopes(%q): %v, want %q; scopes (-want +got):\n%s", tt.words, err, tt.err, diff)
		}
	}
}
