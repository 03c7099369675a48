package reconciler

import (
	"fmt"
	"slices"
	"strconv"

	"usher/spec"
	"usher/state"
)

// pair is one person on both sides of a comparison.
type pair struct {
	was     *spec.User    // as true; nil: new, or coming back
	is      *spec.User    // as wanted; nil: removed
	account state.Account // zero: yet to be made
	returns bool          // the account was removed less than 30 days ago and comes back
}

// match decides who is who (DOMAIN.md, "The account's life"): by name, then by
// former names, then by folded e-mail among those left on both sides.
func (d *differ) match() {
	d.wantAs, d.formerly = map[string]string{}, map[string]string{}
	d.removed, d.returned = map[string]bool{}, map[string]state.Account{}
	d.roles, d.told = map[string][]RoleLine{}, map[string][]RoleLine{}
	gone := map[string]*spec.User{}
	var come []*spec.User
	both(d.True.Roster.Users, d.Wanted.Users, userName, func(was, is *spec.User) {
		switch {
		case is == nil:
			gone[was.Name] = was
		case was == nil:
			come = append(come, is)
		}
	})
	come = d.matchFormer(come, gone)
	come = d.matchEmail(come, gone)
	for name := range gone {
		d.removed[name] = true
	}
	d.matchReturned(come)
	d.hintRenames(come, gone)
	d.expect(come)
}

// expect makes room for those who come and for what comes with them: of a first
// apply, that is all of the plan. What is grown later is copied whole.
func (d *differ) expect(come []*spec.User) {
	if len(come) == 0 {
		return
	}
	w := d.Wanted
	changes, messages := len(come)+len(w.Products)+len(w.Teams)+len(w.Contracts), len(come)+len(w.Contracts)
	for _, is := range come {
		changes += len(is.Access)
	}
	for i := range w.Contracts {
		changes += 1 + len(w.Contracts[i].Coordinators) // the roles
	}
	d.plan.Changes = slices.Grow(d.plan.Changes, changes)
	d.plan.Mail = slices.Grow(d.plan.Mail, messages)
}

func userName(u *spec.User) string { return u.Name }

func (d *differ) rename(was, is *spec.User, gone map[string]*spec.User) {
	d.wantAs[was.Name], d.formerly[is.Name] = is.Name, was.Name
	delete(gone, was.Name)
}

func (d *differ) matchFormer(come []*spec.User, gone map[string]*spec.User) (left []*spec.User) {
	for _, is := range come {
		var was *spec.User
		for _, former := range is.Previously {
			if was = gone[former]; was != nil {
				break
			}
		}
		if was == nil {
			left = append(left, is)
			continue
		}
		d.rename(was, is, gone)
	}
	return left
}

func (d *differ) matchEmail(come []*spec.User, gone map[string]*spec.User) (left []*spec.User) {
	byEmail := make(map[string]*spec.User, len(gone))
	for _, was := range gone {
		byEmail[was.EmailKey] = was
	}
	for _, is := range come {
		if was := byEmail[is.EmailKey]; was != nil {
			d.rename(was, is, gone)
			continue
		}
		left = append(left, is)
	}
	return left
}

// matchReturned finds those who come back within 30 days: the same name and
// e-mail is the same account. Any other account is a new one, so that a leaver's
// password never opens the account of whoever gets the address next.
func (d *differ) matchReturned(come []*spec.User) {
	type identity struct{ name, emailKey string }
	gone := make(map[identity]state.Account, len(d.True.Gone))
	for _, a := range slices.Backward(d.True.Gone) { // the newest, which comes first, counts
		gone[identity{a.Name, a.EmailKey}] = a
	}
	for _, is := range come {
		if a, ok := gone[identity{is.Name, is.EmailKey}]; ok {
			d.returned[is.Name] = a
		}
	}
}

// hintRenames points out a removal and an addition that look like one person.
func (d *differ) hintRenames(come []*spec.User, gone map[string]*spec.User) {
	if len(gone) == 0 {
		return
	}
	byName := map[string]*spec.User{}
	both(d.True.Roster.Users, d.Wanted.Users, userName, func(was, _ *spec.User) {
		if was != nil && gone[was.Name] != nil {
			byName[was.FullName()] = was
		}
	})
	for _, is := range come {
		if was := byName[is.FullName()]; was != nil {
			d.note(is.Origin, fmt.Sprintf("user %s goes and user %s comes, both named %s: if they are one person, keep the account with previously: [%s]",
				was.Name, is.Name, is.FullName(), was.Name))
		}
	}
}

// accountOf returns the id of a person's account by their name as wanted, ""
// where it is yet to be made.
func (d *differ) accountOf(name string) string {
	if former, ok := d.formerly[name]; ok {
		return d.account(former).ID
	}
	if a, ok := d.returned[name]; ok {
		return a.ID
	}
	return d.account(name).ID
}

// people compares person by person.
func (d *differ) people() {
	both(d.True.Roster.Users, d.Wanted.Users, userName, func(was, is *spec.User) {
		switch {
		case was != nil && is != nil:
			d.person(pair{was: was, is: is, account: d.account(was.Name)})
		case is == nil && d.removed[was.Name]:
			d.person(pair{was: was, account: d.account(was.Name)})
		case is == nil: // renamed: compared under the name as wanted
		case d.formerly[is.Name] != "":
			was := d.True.Roster.User(d.formerly[is.Name])
			d.person(pair{was: was, is: is, account: d.account(was.Name)})
		default:
			back, returns := d.returned[is.Name]
			d.person(pair{is: is, account: back, returns: returns})
		}
	})
}

func (d *differ) person(p pair) {
	switch {
	case p.is == nil:
		d.change(p, Remove, nil, p.was.Origin)
	case p.was == nil:
		d.change(p, Add, newcomer(p), p.is.Origin)
		d.generationFell(p)
	default:
		d.alterations(p)
	}
	access := d.access(p)
	d.notify(p, access)
}

func (d *differ) change(p pair, action Action, f fields, because spec.Origin) {
	u := orOther(p.is, p.was)
	d.add(Change{
		Action: action, Kind: KindUser, Subject: u.Name, Email: u.Email, Fields: f,
		Because: []spec.Origin{because}, user: p.is, account: p.account.ID,
	})
}

// newcomer lists everything about somebody who is added, so that a reviewed plan
// says all that it will do.
func newcomer(p pair) fields {
	f := make(fields, 0, 2+len(p.is.SigningKeys))
	if p.returns {
		f.value("account", "removed", "returned")
	}
	f.value("firstName", "", p.is.FirstName)
	f.value("lastName", "", p.is.LastName)
	f.elements("signingKeys", nil, p.is.SigningKeys)
	if p.is.Generation > 0 {
		f.value("invitation.generation", "", strconv.Itoa(p.is.Generation))
	}
	if p.is.Suspended {
		f.value("suspended", "", "true")
	}
	return f
}

// alterations compares a person who stays.
func (d *differ) alterations(p pair) {
	if p.was.Name != p.is.Name {
		d.change(p, Rename, fields{{"name", p.was.Name, p.is.Name}}, p.is.Origin)
	}
	var f fields
	f.value("email", p.was.Email, p.is.Email)
	f.value("firstName", p.was.FirstName, p.is.FirstName)
	f.value("lastName", p.was.LastName, p.is.LastName)
	f.elements("signingKeys", p.was.SigningKeys, p.is.SigningKeys)
	if len(f) > 0 {
		d.change(p, Alter, f, p.is.Origin)
	}
	if p.was.Suspended != p.is.Suspended {
		action := Suspend
		if p.was.Suspended {
			action = Restore
		}
		d.change(p, action, nil, p.is.Origin)
	}
	d.generation(p)
	if p.movedUninvited() {
		d.plan.retired = append(d.plan.retired, p.account.ID)
	}
	if p.was.Origin != p.is.Origin && p.account.ID != "" {
		d.plan.explain = append(d.plan.explain, explanation{account: p.account.ID, user: p.is})
	}
}

// generation compares the declared generation of the invitation with the one on
// record; not declared is the one on record, and the first is 1. A person who has
// activated the account needs no invitation; one who is suspended gets it when
// restored.
func (d *differ) generation(p pair) {
	declared, record := p.is.Generation, max(1, p.account.Generation)
	switch {
	case declared == 0 || declared == record || p.account.ID == "" || d.generationFell(p):
	case !p.account.Activated.IsZero():
		d.heed(p)
		d.note(p.is.Origin, fmt.Sprintf("user %s has activated the account: invitation.generation %d sends nothing", p.is.Name, declared))
	case p.is.Suspended:
		d.heed(p)
		d.note(p.is.Origin, fmt.Sprintf("user %s is suspended: the invitation of generation %d goes out when that ends", p.is.Name, declared))
	default:
		d.change(p, Resend, fields{{"invitation.generation", strconv.Itoa(record), strconv.Itoa(declared)}}, p.is.Origin)
	}
}

// heed has the next plan look at a person again: a generation that is not the one on
// record once this plan is carried out, every plan notes from then on. That of somebody
// who comes is.
func (d *differ) heed(p pair) { d.plan.heeded = append(d.plan.heeded, p.is.Name) }

// generationFell reports, as an error of the manifests, a generation below the
// one on record; also that of somebody who comes back.
func (d *differ) generationFell(p pair) bool {
	declared, record := p.is.Generation, max(1, p.account.Generation)
	if declared == 0 || declared >= record {
		return false
	}
	d.errs = append(d.errs, &spec.Error{
		File: p.is.Origin.File, Line: int(p.is.Origin.Line), Column: int(p.is.Origin.Column),
		Code: "generation", Subject: "User " + p.is.Name,
		Reason: fmt.Sprintf("invitation.generation is %d, and %d was applied before: it only ever rises", declared, record),
		Hint:   fmt.Sprintf("write %d or leave it out to change nothing, %d to send the invitation again", record, record+1),
	})
	return true
}
