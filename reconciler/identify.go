package reconciler

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// identify sets the plan's id: the SHA-256 of the basis, the changes in their
// order without what gave cause to them, and the adopt flag, as JSON. No clock, no
// texts and no places in files go into it, so it stays the same for as long as
// the plan would do the same, and an approval or a review of it holds.
func (p *Plan) identify() {
	h := sha256.New()
	enc := json.NewEncoder(h) // an error cannot come: strings and numbers into a hash
	enc.Encode(struct {
		Basis int64 `json:"basis"`
		Adopt bool  `json:"adopt"`
	}{p.Basis, p.Adopt})
	var c Change
	for i := range p.Changes {
		c = p.Changes[i]
		c.Because = nil
		enc.Encode(&c)
	}
	p.ID = "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// summarise counts the changes and the messages. People are counted once,
// however many things change about one.
func (p *Plan) summarise() {
	p.Summary = Summary{Mail: len(p.Mail)}
	changed := map[string]bool{}
	for i := range p.Changes {
		c := &p.Changes[i]
		switch c.Kind {
		case KindUser:
			if c.Action == Add || c.Action == Remove || !changed[c.Subject] {
				p.Summary.User.count(c.Action)
			}
			changed[c.Subject] = true
		case KindTeam:
			p.Summary.Team.count(c.Action)
		case KindProduct:
			p.Summary.Product.count(c.Action)
		case KindContract:
			p.Summary.Contract.count(c.Action)
		case KindRole:
			if c.Action == Assign {
				p.Summary.Role.Assign++
			} else {
				p.Summary.Role.Unassign++
			}
		case KindAccess:
			switch c.Action {
			case Grant:
				p.Summary.Access.Grant++
			case Revoke:
				p.Summary.Access.Revoke++
			default:
				p.Summary.Access.Change++
			}
		}
	}
}

func (n *Counts) count(a Action) {
	switch a {
	case Add:
		n.Add++
	case Remove:
		n.Remove++
	default:
		n.Change++
	}
}
