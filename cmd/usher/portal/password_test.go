package portal

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/state"
)

func cheapHasher(t testing.TB) *hasher {
	t.Helper()
	h, err := newHasher(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashes(t *testing.T) {
	h := cheapHasher(t)
	ctx := t.Context()
	one, err := h.hash(ctx, "correct horse battery")
	if err != nil || !strings.HasPrefix(one, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("hash %q (%v)", one, err)
	}
	two, _ := h.hash(ctx, "correct horse battery")
	if one == two {
		t.Error("two hashes of one password are the same; where is the salt?")
	}
	tests := []struct {
		name, password, hashed string
		want                   bool
	}{
		{"the same", "correct horse battery", one, true},
		{"of other cost", "correct horse battery", strings.Replace(one, "m=64", "m=128", 1), false},
		{"another", "correct horse batterx", one, false},
		{"nothing", "", one, false},
		{"nobody's", "correct horse battery", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := h.fits(ctx, tt.password, tt.hashed); err != nil || got != tt.want {
				t.Errorf("got %v (%v), want %v", got, err, tt.want)
			}
		})
	}
	// "é" in one character, and as a letter with an accent after it.
	accent, _ := h.hash(ctx, "caf\u00e9 au lait, s'il vous plait")
	if got, err := h.fits(ctx, "cafe\u0301 au lait, s'il vous plait", accent); err != nil || !got {
		t.Errorf("the same characters typed elsewhere: %v (%v)", got, err)
	}
}

// The string is the one that others make of the same: RFC 9106's parameters in the
// reference implementation, printed by `argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32`.
func TestHashesOfOthersAreRead(t *testing.T) {
	const others = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h := cheapHasher(t)
	if got, err := h.fits(t.Context(), "password", others); err != nil || !got {
		t.Errorf("got %v (%v), want it to fit", got, err)
	}
}

func TestAlteredHashesAreRefused(t *testing.T) {
	h := cheapHasher(t)
	good, _ := h.hash(t.Context(), "correct horse battery")
	for name, s := range map[string]string{
		"another function": strings.Replace(good, "argon2id", "argon2i", 1),
		"another version":  strings.Replace(good, "v=19", "v=16", 1),
		"vast":             strings.Replace(good, "m=64", "m=4000000000", 1),
		"without end":      strings.Replace(good, "t=1", "t=4000000000", 1),
		"no passes":        strings.Replace(good, "t=1", "t=0", 1),
		"no threads":       strings.Replace(good, "p=1", "p=0", 1),
		"short":            good[:len(good)-4],
		"bad salt":         strings.Replace(good, "p=1$", "p=1$!", 1),
		"plain text":       "correct horse battery",
	} {
		if got, err := h.fits(t.Context(), "correct horse battery", s); got || err == nil {
			t.Errorf("%s: got %v (%v), want an error", name, got, err)
		}
	}
}

// A storm of sign-ins runs a few at a time, lets some wait, and turns the rest away.
func TestStormOfHashes(t *testing.T) {
	h := cheapHasher(t)
	var now, most, turned atomic.Int64
	h.ran = func() {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(time.Millisecond)
		now.Add(-1)
	}
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, err := h.fits(context.Background(), "correct horse battery", ""); errors.Is(err, errCrowded) {
				turned.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if limit := int64(cap(h.running)); most.Load() > limit {
		t.Errorf("%d ran at once, want at most %d", most.Load(), limit)
	}
	if turned.Load() == 0 {
		t.Error("nobody was turned away; how many may wait?")
	}
	full := cheapHasher(t)
	for range cap(full.running) {
		full.running <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := full.fits(ctx, "x", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for ever: %v", err)
	}
}

func TestUnfitPasswords(t *testing.T) {
	ada := state.Account{Name: "ada.l", Email: "Ada.Lovelace@acme.example", EmailKey: "ada.lovelace@acme.example", FirstName: "Ada", LastName: "Lovelace"}
	tests := []struct {
		password, want string
	}{
		{"", "at least 12"},
		{"elevenchars", "at least 12"},
		{"dampfschiff4", ""},
		{"三浦花子三浦花子三浦花子", "first that somebody would try"}, // four characters, thrice
		{"月火水木金土日一二三四五", ""},
		{strings.Repeat("long enough ", 22), "at most 256"},
		{"with a \x07 bell in it", "cannot"},
		{"Ada.Lovelace@acme.example", "your own name"},
		{"adalovelace12", "your own name"},
		{"Ada Lovelace!", "your own name"},
		{"password1234", "first that"},
		{"P@ssw0rd2027!", "first that"},
		{"qwertyuiop12", "first that"},
		{"123456789012", "first that"},
		{"abcdefghijkl", "first that"},
		{"aaaaaaaaaaaaaaa", "first that"},
		{"ababababababab", "first that"},
		{"correct horse battery staple", ""},
		{"Grüße aus Übersee", ""},
	}
	for _, tt := range tests {
		got := unfit(tt.password, ada)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.password, got, tt.want)
		}
	}
}
