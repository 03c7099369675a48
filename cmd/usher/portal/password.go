package portal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"usher/spec"
	"usher/state"
)

// Lengths of a person's own password, in characters. As NIST SP 800-63B has it, only
// length and what is known to be guessed count: no rules on kinds of characters, no
// change by the calendar. The longest only keeps what is hashed small.
const (
	shortestPassword = 12
	longestPassword  = 256
)

// hasher turns passwords into PHC strings, $argon2id$v=19$m=…,t=…,p=1$salt$sum
// (RFC 9106), so many at a time: each takes memory of its own, and a storm of
// sign-ins must not take all there is.
type hasher struct {
	memory  uint32 // KiB
	passes  uint32
	running chan struct{} // one place for each that may run
	waiting chan struct{} // one for each that may run or wait
	dummy   string        // what is compared with where there is no password
	random  func([]byte) (int, error)
	ran     func() // called for each run; nil: nobody counts
}

// Cost of one hash: what OWASP's cheat sheet on storing passwords asks of argon2id at
// least, and a pass more. Memory is in KiB, sizes in bytes.
const (
	hashMemory = 19 << 10
	hashPasses = 3
	saltSize   = 16
	sumSize    = 32
)

// errCrowded: more people sign in at this moment than can be served.
var errCrowded = refusal{
	Status: http.StatusServiceUnavailable, Title: "Many people are signing in right now",
	Advice: "Wait a minute and try again. Nothing is lost.",
}

// hashPatience is how long somebody waits for their turn before they are asked to come
// again.
const hashPatience = 20 * time.Second

// newHasher makes a hasher that runs on as many cores as there are.
func newHasher(memory, passes uint32) (*hasher, error) {
	h := &hasher{
		memory: memory, passes: passes, random: rand.Read,
		running: make(chan struct{}, runtime.GOMAXPROCS(0)), waiting: make(chan struct{}, 32*runtime.GOMAXPROCS(0)),
	}
	var err error
	h.dummy, err = h.hash(context.Background(), rand.Text())
	return h, err
}

// hash makes the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := h.random(salt); err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	p := phc{memory: h.memory, passes: h.passes, threads: 1, salt: salt}
	sum, err := h.sum(ctx, password, p)
	if err != nil {
		return "", err
	}
	p.sum = sum
	return p.String(), nil
}

// fits reports whether a password is the one of a PHC string. With an empty string,
// which is nobody's password, it does the same work and says no, so that how long it
// takes tells nothing about whether there is an account.
func (h *hasher) fits(ctx context.Context, password, hashed string) (bool, error) {
	nobodys := hashed == ""
	if nobodys {
		hashed = h.dummy
	}
	p, err := parsePHC(hashed)
	if err != nil {
		return false, err
	}
	sum, err := h.sum(ctx, password, p)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, p.sum) == 1 && !nobodys, nil
}

// sum runs argon2id, when it is its turn.
func (h *hasher) sum(ctx context.Context, password string, p phc) ([]byte, error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, errCrowded
	}
	ctx, cancel := context.WithTimeoutCause(ctx, hashPatience, errCrowded)
	defer cancel()
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if h.ran != nil {
		h.ran()
	}
	return argon2.IDKey([]byte(composed(password)), p.salt, p.passes, p.memory, p.threads, sumSize), nil
}

// composed is the one form of a password: the same characters typed on another
// machine are the same password (NIST SP 800-63B: normalise before hashing).
func composed(password string) string { return norm.NFC.String(password) }

// phc is the parts of a PHC string.
type phc struct {
	memory, passes uint32
	threads        uint8
	salt, sum      []byte
}

func (p phc) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.threads, b.EncodeToString(p.salt), b.EncodeToString(p.sum))
}

var errPHC = errors.New("a stored password cannot be read; its owner has to choose a new one by way of a forgotten password")

// mostMemory bounds what a stored string may ask for, in KiB: an altered one must not
// take the machine down.
const mostMemory = 1 << 20

func parsePHC(s string) (phc, error) {
	var p phc
	var version int
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, errPHC
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); err != nil {
		return p, errPHC
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, errPHC
	}
	if p.sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return p, errPHC
	}
	if p.memory > mostMemory || p.passes == 0 || p.passes > 64 || p.threads == 0 || len(p.sum) != sumSize {
		return p, errPHC
	}
	return p, nil
}

// unfit says what is wrong with a password that somebody chose, "" for nothing.
func unfit(password string, a state.Account) string {
	password = composed(password)
	switch n := utf8.RuneCountInString(password); {
	case n < shortestPassword:
		return fmt.Sprintf("Take at least %d characters. Three or four words that have nothing to do with each other are easy to keep in mind.", shortestPassword)
	case n > longestPassword:
		return fmt.Sprintf("Take at most %d characters.", longestPassword)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "Take characters that can be typed: there is one in it that cannot."
	}
	plain := spec.FoldEmail(password)
	local, _, _ := strings.Cut(a.EmailKey, "@")
	for _, known := range []string{a.EmailKey, local, a.Name, a.FirstName + a.LastName, a.FirstName + " " + a.LastName} {
		if rest := strings.ReplaceAll(plain, strings.ToLower(known), ""); known != "" && utf8.RuneCountInString(rest) < 6 {
			return "This is little more than your own name or address. Take something that others do not know."
		}
	}
	if common(strings.ToLower(password)) {
		return "This is one of the first that somebody would try. Take something of your own."
	}
	return ""
}

// common reports whether a password is among the first to be guessed: few different
// characters, a run along the alphabet, or what people choose when asked for length.
func common(password string) bool {
	different := map[rune]bool{}
	steps := map[rune]int{}
	var last rune
	for i, r := range password {
		different[r] = true
		if i > 0 {
			steps[r-last]++
		}
		last = r
	}
	if len(different) < 5 || steps[1] >= len(password)*3/4 || steps[-1] >= len(password)*3/4 {
		return true
	}
	letters := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, strings.NewReplacer("0", "o", "@", "a", "$", "s", "3", "e", "!", "i").Replace(password))
	for _, word := range []string{
		"password", "passwort", "passphrase", "qwertyuiop", "qwertzuiop", "azertyuiop", "qwerty", "qwertz", "letmein", "welcome",
		"iloveyou", "changeme", "administrator", "admin", "secret", "usher", "football", "sunshine", "princess", "dragon", "monkey",
	} {
		if rest := strings.ReplaceAll(letters, word, ""); len(rest) < len(letters) && len(rest) <= 2 {
			return true
		}
	}
	return false
}
