package reconciler

import (
	"fmt"
	"slices"
	"time"

	"usher/spec"
)

// signer says who answers for a step, by the roster that was accepted last: never
// by the tree under review. Where nobody does, problem says why; name may still
// say whose key it is.
func (t *trial) signer(step int, by *spec.Roster) (name, problem string) {
	s := &t.Steps[step]
	if s.Signer.Problem != "" {
		return "", s.Signer.Problem
	}
	if wrong := t.dated[step]; wrong != "" {
		return "", wrong
	}
	var u *spec.User
	if s.Forge {
		u, problem = authorOf(s, by)
	} else {
		u, problem = t.ownerOf(s, by)
	}
	switch {
	case u == nil:
		return "", problem
	case problem == "" && u.Suspended:
		return u.Name, "user " + u.Name + " is suspended"
	}
	return u.Name, problem
}

// authorOf is who stands for a commit that the forge made: its author, whom the
// forge knows by the address.
func authorOf(s *Step, by *spec.Roster) (*spec.User, string) {
	key := spec.FoldEmail(s.Author.Email)
	i := slices.IndexFunc(by.Users, func(u spec.User) bool { return u.EmailKey == key })
	if key == "" || i < 0 {
		return nil, fmt.Sprintf("the forge signed it for %s, which is the e-mail of no user", s.Author.Email)
	}
	return &by.Users[i], ""
}

// ownerOf is whose key a commit is signed with, if the key was valid when the
// commit was made and is now.
func (t *trial) ownerOf(s *Step, by *spec.Roster) (u *spec.User, problem string) {
	owners := t.keys(by)[s.Signer.Key]
	if len(owners) == 0 {
		if past := t.keys(t.Base)[s.Signer.Key]; len(past) > 0 {
			return nil, "its key was taken from user " + past[0].user.Name
		}
		return nil, "its key " + s.Signer.Fingerprint + " is that of no user"
	}
	for _, o := range owners {
		u = o.user
		problem = outOfTime(o, s.Committer.At, t.Now)
		if problem == "" {
			break
		}
	}
	return u, problem
}

// outOfTime says why a key does not count at one of the moments; "" where it does
// at both.
func outOfTime(o keyOwner, moments ...time.Time) string {
	for _, at := range moments {
		switch {
		case o.key.ValidAt(at):
		case at.Before(o.key.After):
			return fmt.Sprintf("the key of user %s is valid from %s on", o.user.Name, o.key.After.Format(time.DateTime))
		default:
			return fmt.Sprintf("the key of user %s was valid until %s", o.user.Name, o.key.Before.Format(time.DateTime))
		}
	}
	return ""
}

// keys lists whose each signing key of a roster is.
func (t *trial) keys(of *spec.Roster) map[string][]keyOwner {
	if known, ok := t.owners[of]; ok {
		return known
	}
	owners := map[string][]keyOwner{}
	for i := range of.Users {
		u := &of.Users[i]
		for _, line := range u.SigningKeys {
			if k, err := spec.ParseSigningKey(line); err == nil {
				owners[k.Key] = append(owners[k.Key], keyOwner{u, k})
			}
		}
	}
	t.owners[of] = owners
	return owners
}
