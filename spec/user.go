package spec

// User is one declared person.
type User struct {
	Name        string   // metadata.name, or the folded e-mail where that is omitted
	Email       string   // as written
	EmailKey    string   // folded, for comparison: see FoldEmail
	FirstName   string   // NFC
	LastName    string   // NFC
	Suspended   bool     // keeps the account, gives no access
	SigningKeys []string // "TYPE BASE64" each, comments dropped, sorted
	Generation  int      // invitation.generation; 0 where not declared
	Previously  []string // earlier names, sorted
	Access      []Grant  // effective: own and by teams, merged, sorted (see Grant)
	Origin      Origin   // where the person is declared
}

// FullName is the person's name as messages and tables write it.
func (u *User) FullName() string { return u.FirstName + " " + u.LastName }
