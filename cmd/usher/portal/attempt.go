package portal

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// attempts counts tries at what opens an account: by address, by account, and by both
// together. It asks for patience after a few, and the wait doubles with each. The long
// waits are for one address at one account, so that a stranger who keeps trying shuts
// nobody else out for long. It counts a try before it is known how it ends, so that
// many at once get no further than many in a row. It knows nothing of which accounts
// exist.
type attempts struct {
	now func() time.Time

	mu    sync.Mutex
	tries map[tally]tried
}

// tally is the digest of what tries are counted by: it may be anything that somebody
// typed, of any length, and is only ever compared.
type tally [sha256.Size]byte

func tallyOf(parts ...string) tally { return sha256.Sum256([]byte(strings.Join(parts, "\x00"))) }

type tried struct {
	count int
	until time.Time // no other try before
	last  time.Time
}

// pace is how tries at one thing are held up.
type pace struct {
	free    int           // so many are not
	longest time.Duration // the longest wait
}

var (
	byBoth    = pace{free: 5, longest: 5 * time.Minute}
	byAccount = pace{free: 20, longest: 30 * time.Second} // from wherever: its owner has to get in between
	byAddress = pace{free: 30, longest: time.Minute}      // of an office there may be many
)

const (
	forgetTries = time.Hour // without another
	mostTries   = 100_000   // remembered at once
)

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, tries: map[tally]tried{}}
}

// begin counts a try at an account from an address, unless it has to wait; then it
// returns how long.
func (a *attempts) begin(account, address string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	both, one, from := tallyOf(account, address), tallyOf(account), tallyOf(address)
	if wait := max(a.tries[both].until.Sub(now), a.tries[one].until.Sub(now), a.tries[from].until.Sub(now)); wait > 0 {
		return wait
	}
	a.sweep(now)
	a.count(both, byBoth, now)
	a.count(one, byAccount, now)
	a.count(from, byAddress, now)
	return 0
}

func (a *attempts) count(key tally, p pace, now time.Time) {
	t := a.tries[key]
	if now.Sub(t.last) >= forgetTries {
		t = tried{}
	}
	t.count++
	t.last = now
	if over := t.count - p.free; over >= 0 {
		t.until = now.Add(min(p.longest, time.Second<<min(over, 20)))
	}
	a.tries[key] = t
}

// passed forgets the tries at an account, and the
// one from the address that was right.
func (a *attempts) passed(account, address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tries, tallyOf(account))
	delete(a.tries, tallyOf(account, address))
	from := tallyOf(address)
	t := a.tries[from]
	t.count, t.until = max(0, t.count-1), time.Time{}
	a.tries[from] = t
}

// sweep keeps memory bounded: what is old goes first, and if that is not enough,
// whatever comes.
func (a *attempts) sweep(now time.Time) {
	if len(a.tries) < mostTries {
		return
	}
	maps.DeleteFunc(a.tries, func(_ tally, t tried) bool { return now.Sub(t.last) >= forgetTries })
	for key := range a.tries {
		if len(a.tries) < mostTries/2 {
			return
		}
		delete(a.tries, key)
	}
}

// tooOften is what somebody is told who has to wait.
func tooOften(w http.ResponseWriter, wait time.Duration) string {
	seconds := int((wait + time.Second - 1) / time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	if seconds == 1 {
		return "That was too often in a row. Try again in a second."
	}
	return fmt.Sprintf("That was too often in a row. Try again in %d seconds.", seconds)
}

// clientOf is what a client is counted by: its address, of IPv6 the network, which is
// one household's or one machine's. Behind a proxy it is what the proxy says, if the
// proxy is near: whoever else claims to be one would choose another address each time.
func (s *site) clientOf(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	client := peer.Addr().Unmap()
	if s.Proxied && (client.IsLoopback() || client.IsPrivate()) {
		said := r.Header.Values("X-Forwarded-For")
		if len(said) > 0 {
			list := strings.Split(said[len(said)-1], ",")
			if last, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
				client = last.Unmap()
			}
		}
	}
	if client.Is6() {
		if network, err := client.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return client.String()
}
