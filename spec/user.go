package spec

import (
	"cmp"
	"slices"

	"gopkg.in/yaml.v3"
)

// User is one declared person.
type User struct {
	Name        string   // metadata.name, or the folded e-mail where that is omitted
	Email       string   // as written
	EmailKey    string   // folded, for comparison: see FoldEmail
	FirstName   string   // NFC
	LastName    string   // NFC
	Suspended   bool     // keeps the account, gives no access
	SigningKeys []string // as SigningKey.String writes them, sorted
	Generation  int      // invitation.generation; 0 where not declared
	Previously  []string // earlier names, sorted
	Access      []Grant  // effective: own and by teams, merged, sorted (see Grant)
	Origin      Origin   // where the person is declared
}

// FullName is the person's name as messages and tables write it.
func (u *User) FullName() string { return u.FirstName + " " + u.LastName }

// userManifest is what a document of kind User may contain.
type userManifest struct {
	typeMeta
	Metadata metadata `yaml:"metadata"`
	Spec     userSpec `yaml:"spec" validate:"required"`
	Line     int32
	Column   int32

	list string // "UserList NAME" where the person is an entry of one
}

type userSpec struct {
	Email       text            `yaml:"email" validate:"required,address" doc:"what they sign in with and are written to; nobody else has it"`
	FirstName   text            `yaml:"firstName" validate:"required,personname" doc:"letters of any script"`
	LastName    text            `yaml:"lastName" validate:"required,personname" doc:"letters of any script"`
	Access      []accessItem    `yaml:"access" validate:"dive" doc:"what they may use; left out: an account without access"`
	SigningKeys []text          `yaml:"signingKeys" validate:"dive,required,signingkey" doc:"SSH keys, as in authorized_keys: commits signed with one count as theirs"`
	Invitation  *invitationSpec `yaml:"invitation" doc:"the invitation to their account"`
	Suspended   bool            `yaml:"suspended" doc:"true keeps the account and gives no access; left out: false"`
	Previously  []text          `yaml:"previously" validate:"dive,required,resourcename" doc:"earlier names in metadata: a rename, and no removal"`
}

func (m *userManifest) finish(_ *decoder, root *yaml.Node) {
	m.Line, m.Column = int32(root.Line), int32(root.Column)
}

// name is the key of the person: metadata.name, or the folded e-mail.
func (m *userManifest) name() string {
	if m.Metadata.Name.Value != "" {
		return m.Metadata.Name.Value
	}
	return FoldEmail(m.Spec.Email.Value)
}

// declaredUser is one person as a manifest or a list declares them.
type declaredUser struct {
	*userManifest
	file string
	key  string // name()
}

func (u *declaredUser) subject() string { return "User " + u.key }

// accessSubject is what an error in the access of the person is about: the list
// that gives it to all of its entries, or the person.
func (u *declaredUser) accessSubject() string { return cmp.Or(u.list, u.subject()) }

func (r *resolver) declareUsers() {
	var all []declaredUser
	for _, f := range r.files {
		for i := range f.users {
			all = append(all, declaredUser{&f.users[i], f.Path, f.users[i].name()})
		}
		for i := range f.lists {
			for j := range f.lists[i].people {
				all = append(all, declaredUser{&f.lists[i].people[j], f.Path, f.lists[i].people[j].name()})
			}
		}
	}
	r.users = unique(r, "User", all, func(u *declaredUser) (string, Origin) {
		return u.key, Origin{File: u.file, Line: u.Line, Column: u.Column}
	})
	r.roster.Users = make([]User, len(r.users))
	for i := range r.users {
		r.roster.Users[i] = r.users[i].user()
	}
	r.userNames = names(r.roster.Users)
	r.checkEmails()
	r.checkSigningKeys()
	r.checkFormerNames()
}

// user is the person without access, which takes the whole tree to know.
func (u *declaredUser) user() User {
	s := &u.Spec
	person := User{
		Name: u.key, Email: s.Email.Value, EmailKey: FoldEmail(s.Email.Value),
		FirstName: canonicalName(s.FirstName.Value), LastName: canonicalName(s.LastName.Value),
		Suspended: s.Suspended,
		Origin:    Origin{File: u.file, Line: u.Line, Column: u.Column},
	}
	if s.Invitation != nil {
		person.Generation = s.Invitation.Generation
	}
	for _, key := range s.SigningKeys {
		person.SigningKeys = append(person.SigningKeys, canonicalKey(key.Value))
	}
	for _, name := range s.Previously {
		person.Previously = append(person.Previously, name.Value)
	}
	slices.Sort(person.SigningKeys)
	slices.Sort(person.Previously)
	person.SigningKeys = slices.Compact(person.SigningKeys)
	person.Previously = slices.Compact(person.Previously)
	return person
}

// checkEmails refuses two people with addresses that fold to the same; the
// first by place keeps it.
func (r *resolver) checkEmails() {
	holder := make(map[string]int, len(r.users))
	for i := range r.roster.Users {
		key := r.roster.Users[i].EmailKey
		first, taken := holder[key]
		switch {
		case key == "": // reported by Parse
		case !taken:
			holder[key] = i
		case CompareOrigins(r.users[i].emailAt(), r.users[first].emailAt()) < 0:
			holder[key] = i
			r.sameEmail(&r.users[first], &r.users[i])
		default:
			r.sameEmail(&r.users[i], &r.users[first])
		}
	}
	r.byEmail = make(map[string]string, len(holder))
	for key, i := range holder {
		r.byEmail[key] = r.users[i].key
	}
}

func (u *declaredUser) emailAt() Origin { return u.Spec.Email.at(u.file) }

func (r *resolver) sameEmail(second, first *declaredUser) {
	r.fail(second.emailAt(), "duplicate-email", second.subject(), "%s is also the e-mail of user %s, at %s",
		second.Spec.Email.Value, first.key, first.emailAt()).
		hint("case, composed characters and the encoding of the domain do not tell addresses apart")
}

// checkSigningKeys refuses a key that two people hold: a commit signed with it
// would be whose?
func (r *resolver) checkSigningKeys() {
	holder := map[string]int{}
	for i := range r.users {
		u := &r.users[i]
		for _, key := range u.Spec.SigningKeys {
			alone := keyAlone(key.Value)
			if first, taken := holder[alone]; taken && first != i {
				r.fail(key.at(u.file), "duplicate-key-holder", u.subject(), "this signing key is also that of user %s", r.users[first].key)
				continue
			}
			holder[alone] = i
		}
	}
}

// checkFormerNames refuses a former name that somebody still has, or that two
// people claim.
func (r *resolver) checkFormerNames() {
	for i := range r.users {
		u := &r.users[i]
		for _, former := range u.Spec.Previously {
			switch holder := r.roster.User(former.Value); {
			case holder != nil:
				r.fail(former.at(u.file), "former-name", u.subject(), "%q is declared at %s, so it cannot be a former name", former.Value, holder.Origin).
					hint("remove it from previously, or rename that user")
			case r.renamed[former.Value] != "" && r.renamed[former.Value] != u.key:
				r.fail(former.at(u.file), "former-name", u.subject(), "%q is a former name of user %s already", former.Value, r.renamed[former.Value])
			default:
				r.renamed[former.Value] = u.key
			}
		}
	}
}
