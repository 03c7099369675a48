package portal

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"
)

// Whether there is an account does not show in the time that an answer takes, at the full cost of a password.
func TestAccountsCannotBeTimed(t *testing.T) {
	f := newFirm(t)
	var err error
	f.site.hasher, err = newHasher(hashMemory, hashPasses)
	f.must(err)
	f.activated("nina")
	f.invite("ivo")
	people := []string{"nina@acme.example", "ivo@acme.example", "sam@acme.example", "nobody@acme.example"}
	ways := map[string]struct {
		rounds int
		ask    func(b *browser, email string) *reply
	}{
		"signing in":   {15, func(b *browser, email string) *reply { return b.signIn(email, "not the password") }},
		"a wrong code": {150, func(b *browser, email string) *reply { return b.reset(email, "AAAA-BBBB-CCCC-DDDD", ownPassword) }},
		"forgetting":   {150, func(b *browser, email string) *reply { return b.post(forgottenPath, url.Values{"email": {email}}) }},
	}
	// uneven says whose answers take longer or shorter than those to nobody.
	uneven := func(way string) (words []string) {
		took := map[string][]time.Duration{}
		for range ways[way].rounds {
			for _, i := range rand.Perm(len(people)) {
				f.site.attempts = newAttempts(f.now) // nobody waits
				start := time.Now()
				ways[way].ask(f.stranger(), people[i])
				took[people[i]] = append(took[people[i]], time.Since(start))
				f.site.doing.Wait()
			}
		}
		unknown := median(took["nobody@acme.example"])
		for _, email := range people {
			if m := median(took[email]); m < unknown*3/4 || m > unknown*4/3 {
				words = append(words, fmt.Sprintf("%s as %s takes %s, and as nobody %s", way, email, m, unknown))
			}
		}
		return words
	}
	for way := range ways {
		words := uneven(way)
		for tries := 1; len(words) > 0 && tries < 4; tries++ { // the machine may have been busy
			words = uneven(way)
		}
		for _, w := range words {
			t.Error(w)
		}
	}
}
