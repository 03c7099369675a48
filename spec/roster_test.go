package spec

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreOrigins = cmpopts.IgnoreTypes(Origin{}, []Origin{})

const signingKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9dKx0WmXhHVbEJhH0jkq0Pr4y3eQ3xB3jqLq4Q5k3m"

// TestEveryFieldOfEveryKind reads a tree that uses them all.
func TestEveryFieldOfEveryKind(t *testing.T) {
	got := resolved(t, map[string]string{
		"contract.yaml": `
apiVersion: usher/v1
kind: Contract
metadata: {name: acme-design}
spec:
  contractManager: ada
  softwareCoordinators: [grace, ada]
  products:
    - {name: revit, seats: 10}
    - {name: cloud-rendering}
    - {name: autocad, seats: 0}
  cloudCredits: {pool: 1000, expires: 2027-06-30}
  supportEmail: CAD-help@acme.example
`,
		"products.yml": `
apiVersion: usher/v1
kind: Product
metadata: {name: autocad}
spec:
  title: AutoCAD 2027
  type: product
  downloads:
    - {title: Windows 64-bit, url: "https://acme.example/a.exe", sha256: "` + strings.Repeat("aB", 32) + `", size: 2147483648}
    - {title: Notes, url: https://acme.example/notes}
---
apiVersion: usher/v1
kind: Product
metadata: {name: revit}
---
apiVersion: usher/v1
kind: Product
metadata: {name: cloud-rendering}
spec: {type: service}
`,
		"people/ada.yaml": `
apiVersion: usher/v1
kind: User
metadata: {name: ada}
spec:
  email: Ada@acme.example
  firstName: Ada
  lastName: Lovelace
  access:
    - cloud-rendering
    - {product: revit, contract: acme-design, from: 2026-12-01, until: "2027-03-31", reason: CAD-1234}
  signingKeys: ["` + signingKey + ` ada@laptop", "` + signingKey + `"]
  invitation: {generation: 2}
  suspended: false
  previously: [ada.king, ada.byron]
`,
		"people/rest.yaml": userYAML("grace", "suspended: true") + `
---
apiVersion: usher/v1
kind: UserList
metadata: {name: interns-2027}
spec:
  users: "Bo@acme.example, Bo, Ek;"
  access: [revit]
---
apiVersion: usher/v1
kind: Team
metadata: {name: structural}
spec:
  members: [grace, ada]
  teams: [detailing]
  access: [{product: revit, reason: structural work}]
---
apiVersion: usher/v1
kind: Team
metadata: {name: detailing}
spec: {members: [bo@acme.example]}
`,
	})
	june := day("2027-06-30")
	want := &Roster{
		Contracts: []Contract{{
			Name: "acme-design", Manager: "ada", Coordinators: []string{"ada", "grace"},
			Offers: []Offer{
				{Product: "autocad", Seats: 0, Origin: Origin{File: "contract.yaml", Line: 11, Column: 14}},
				{Product: "cloud-rendering", Seats: Unlimited, Origin: Origin{File: "contract.yaml", Line: 10, Column: 14}},
				{Product: "revit", Seats: 10, Origin: Origin{File: "contract.yaml", Line: 9, Column: 14}},
			},
			Credits: &Credits{Pool: 1000, Expires: june}, SupportEmail: "CAD-help@acme.example",
			Origin: Origin{File: "contract.yaml", Line: 2, Column: 1},
		}},
		Products: []Product{
			{
				Name: "autocad", Title: "AutoCAD 2027", Type: TypeProduct, Origin: Origin{File: "products.yml", Line: 2, Column: 1},
				Downloads: []Download{
					{Title: "Windows 64-bit", URL: "https://acme.example/a.exe", SHA256: strings.Repeat("ab", 32), Size: 1 << 31},
					{Title: "Notes", URL: "https://acme.example/notes"},
				},
			},
			{Name: "cloud-rendering", Title: "cloud-rendering", Type: TypeService, Origin: Origin{File: "products.yml", Line: 16, Column: 1}},
			{Name: "revit", Title: "revit", Type: TypeProduct, Origin: Origin{File: "products.yml", Line: 12, Column: 1}},
		},
		Teams: []Team{
			{Name: "detailing", Members: []string{"bo@acme.example"}, Origin: Origin{File: "people/rest.yaml", Line: 27, Column: 1}},
			{
				Name: "structural", Members: []string{"ada", "grace"}, Teams: []string{"detailing"},
				Access: []Grant{{
					Contract: "acme-design", Product: "revit", Span: AllTime, Reason: "structural work",
					Because: []Origin{{File: "people/rest.yaml", Line: 25, Column: 12}},
				}},
				Origin: Origin{File: "people/rest.yaml", Line: 19, Column: 1},
			},
		},
		Users: []User{
			{
				Name: "ada", Email: "Ada@acme.example", EmailKey: "ada@acme.example", FirstName: "Ada", LastName: "Lovelace",
				SigningKeys: []string{signingKey}, Generation: 2, Previously: []string{"ada.byron", "ada.king"},
				Access: []Grant{
					{
						Contract: "acme-design", Product: "cloud-rendering", Span: AllTime,
						Because: []Origin{{File: "people/ada.yaml", Line: 10, Column: 7}},
					},
					{
						Contract: "acme-design", Product: "revit", Span: AllTime, Reason: "CAD-1234; structural work",
						Because: []Origin{
							{File: "people/ada.yaml", Line: 11, Column: 7},
							{File: "people/rest.yaml", Line: 25, Column: 12, Via: "team structural"},
						},
					},
				},
				Origin: Origin{File: "people/ada.yaml", Line: 2, Column: 1},
			},
			{
				Name: "bo@acme.example", Email: "Bo@acme.example", EmailKey: "bo@acme.example", FirstName: "Bo", LastName: "Ek",
				Access: []Grant{{
					Contract: "acme-design", Product: "revit", Span: AllTime, Reason: "structural work",
					Because: []Origin{
						{File: "people/rest.yaml", Line: 17, Column: 12},
						{File: "people/rest.yaml", Line: 25, Column: 12, Via: "team structural by way of team detailing"},
					},
				}},
				Origin: Origin{File: "people/rest.yaml", Line: 16, Column: 11},
			},
			{
				Name: "grace", Email: "grace@acme.example", EmailKey: "grace@acme.example", FirstName: "F", LastName: "L", Suspended: true,
				Access: []Grant{{
					Contract: "acme-design", Product: "revit", Span: AllTime, Reason: "structural work",
					Because: []Origin{{File: "people/rest.yaml", Line: 25, Column: 12, Via: "team structural"}},
				}},
				Origin: Origin{File: "people/rest.yaml", Line: 2, Column: 1},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roster (-want +got):\n%s", diff)
	}
}

// TestWaysToWrite reads one tree in many forms: all resolve to the same roster.
func TestWaysToWrite(t *testing.T) {
	plain := productYAML("autocad") + contractYAML("acme", "ada", "products: [{name: autocad}]") +
		userYAML("ada", "access: [autocad]")
	want := resolved(t, map[string]string{"a.yaml": plain})
	documents := strings.Split(strings.TrimPrefix(plain, "---\n"), "---\n")
	tests := map[string]map[string]string{
		"CRLF":              {"a.yaml": strings.ReplaceAll(plain, "\n", "\r\n")},
		"byte order mark":   {"a.yaml": "\ufeff" + plain},
		"a file each":       {"a.yaml": documents[2], "b.yml": documents[0], "deep/down/c.yaml": documents[1]},
		"reversed":          {"a.yaml": documents[2] + "---\n" + documents[1] + "---\n" + documents[0]},
		"empty documents":   {"a.yaml": "---\n---\n# a comment alone\n---\n" + plain + "---\n...\n---\n", "empty.yaml": "", "comment.yaml": "# nothing\n"},
		"comments":          {"a.yaml": "# 三浦\n" + strings.ReplaceAll(plain, "\nspec:", " # with a remark\nspec: # and one\n  # and another")},
		"no newline at end": {"a.yaml": strings.TrimSuffix(plain, "\n")},
		"JSON": {"a.yaml": `{"apiVersion":"usher/v1","kind":"Product","metadata":{"name":"autocad"}}`, "b.yaml": `
{"apiVersion": "usher/v1", "kind": "Contract", "metadata": {"name": "acme"},
 "spec": {"contractManager": "ada", "products": [{"name": "autocad"}]}}`, "c.yaml": `{
	"kind": "User",
	"spec": {"access": ["autocad"], "lastName": "L", "firstName": "\u0046", "email": "ada@acme.example"},
	"metadata": {"name": "ada"},
	"apiVersion": "usher/v1"
}
`},
		"quotes and blocks": {"a.yaml": documents[0] + "---\n" + documents[1] + `---
'apiVersion': "usher/v1"
"kind": 'User'
metadata:
    name: >-
        ada
spec: {email: "ada@acme.\
        example", firstName: F, lastName: "\x4C", access: [{product: autocad}], suspended: false}
`},
		"access twice": {"a.yaml": documents[0] + "---\n" + documents[1] + "---\n" + userYAML("ada", "access: [autocad, {product: autocad, contract: acme}]")},
		"spans that meet": {"a.yaml": documents[0] + "---\n" + documents[1] + "---\n" +
			userYAML("ada", "access: [{product: autocad, from: 2027-01-01}, {product: autocad, until: 2026-12-31}]")},
	}
	for name, tree := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, resolved(t, tree), ignoreOrigins); diff != "" {
				t.Errorf("roster (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCutAtALineEnd shows what a file cut short at a line end can still say: it
// may be valid, with less in it. The limit on removals is there for that.
func TestCutAtALineEnd(t *testing.T) {
	whole := productYAML("autocad") + contractYAML("acme", "ada", "products: [{name: autocad}]") + userYAML("ada") + userYAML("bo")
	cut := whole[:strings.LastIndex(whole, "---")]
	got := resolved(t, map[string]string{"a.yaml": cut})
	if len(got.Users) != 1 || got.User("ada") == nil {
		t.Errorf("users %v, want ada alone", got.Users)
	}
}

// TestRow01RolesPerContract: roles are held per contract; who holds none is an
// end user.
func TestRow01RolesPerContract(t *testing.T) {
	roster := resolved(t, map[string]string{"a.yaml": contractYAML("design", "ada", "softwareCoordinators: [bo]") +
		contractYAML("plant", "bo") + userYAML("ada") + userYAML("bo") + userYAML("cy")})
	type roles struct{ manager, coordinator, steward bool }
	tests := []struct {
		contract, user string
		want           roles
	}{
		{"design", "ada", roles{true, false, true}},
		{"design", "bo", roles{false, true, true}},
		{"design", "cy", roles{}},
		{"plant", "ada", roles{}},
		{"plant", "bo", roles{true, true, true}},
		{"plant", "nobody", roles{}},
	}
	for _, tt := range tests {
		c := roster.Contract(tt.contract)
		got := roles{c.Manager == tt.user, strings.Contains(strings.Join(c.Coordinators, " "), tt.user), c.Steward(tt.user)}
		if got != tt.want {
			t.Errorf("%s under %s: %+v, want %+v", tt.user, tt.contract, got, tt.want)
		}
	}
}

// TestRow02OneContractManager: a list is an error even if it holds one name, and
// so is none.
func TestRow02OneContractManager(t *testing.T) {
	for name, manager := range map[string]string{"two": "[ada, bo]", "list of one": "[ada]", "empty": `""`, "none": "", "mapping": "{ada: true}"} {
		_, errs := Parse("a.yaml", []byte(contractYAML("acme", manager)))
		if len(errs) != 1 || errs[0].Line != 6 {
			t.Errorf("%s: errors %v, want one at line 6", name, errs)
		}
	}
	if got := resolved(t, map[string]string{"a.yaml": contractYAML("acme", "ada") + userYAML("ada")}).Contract("acme").Manager; got != "ada" {
		t.Errorf("manager %q, want ada", got)
	}
}

// TestRow03CoordinatorByDefault: software coordinators omitted means the
// manager; naming others takes the stewardship from no manager.
func TestRow03CoordinatorByDefault(t *testing.T) {
	roster := resolved(t, map[string]string{"a.yaml": contractYAML("default", "ada") +
		contractYAML("others", "ada", "softwareCoordinators: [cy, bo]") + userYAML("ada") + userYAML("bo") + userYAML("cy")})
	for contract, want := range map[string][]string{"default": {"ada"}, "others": {"bo", "cy"}} {
		c := roster.Contract(contract)
		if diff := cmp.Diff(want, c.Coordinators); diff != "" {
			t.Errorf("coordinators of %s (-want +got):\n%s", contract, diff)
		}
		if !c.Steward("ada") {
			t.Errorf("the manager is no steward of %s", contract)
		}
	}
}

// TestRow12UserListEntries: the ways to write an entry.
func TestRow12UserListEntries(t *testing.T) {
	tests := map[string]struct {
		users string
		want  []User
	}{
		"e-mail first":       {`"Bo@acme.example, Bo, Ek"`, []User{{Email: "Bo@acme.example", FirstName: "Bo", LastName: "Ek"}}},
		"e-mail last":        {`"Bo, Ek, bo@acme.example"`, []User{{Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek"}}},
		"words":              {`"Bo Ek bo@acme.example"`, []User{{Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek"}}},
		"names of two words": {`"bo@acme.example,Mary Ann , van der Berg"`, []User{{Email: "bo@acme.example", FirstName: "Mary Ann", LastName: "van der Berg"}}},
		"trailing semicolon": {`"Bo Ek bo@acme.example; "`, []User{{Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek"}}},
		"a line each": {"|\n    三浦, 健, miura@acme.example;\n    Sinéad O'Neill s@acme.example;\n", []User{
			{Email: "miura@acme.example", FirstName: "三浦", LastName: "健"},
			{Email: "s@acme.example", FirstName: "Sinéad", LastName: "O'Neill"},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := resolved(t, map[string]string{"a.yaml": "apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l}\nspec:\n  users: " + tt.users + "\n"})
			for i := range tt.want {
				tt.want[i].Name, tt.want[i].EmailKey = FoldEmail(tt.want[i].Email), FoldEmail(tt.want[i].Email)
			}
			if diff := cmp.Diff(tt.want, got.Users, ignoreOrigins); diff != "" {
				t.Errorf("people (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRow12FiftyAtATime: fifty are read, the fifty-first refuses the list.
func TestRow12FiftyAtATime(t *testing.T) {
	for n, want := range map[int]int{1: 1, MaxListUsers: MaxListUsers, MaxListUsers + 1: 0} {
		list := numbered(n, "u%d@acme.example, U, Name;")
		f, errs := Parse("a.yaml", []byte("apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l}\nspec: {users: \""+list+"\"}\n"))
		roster, _ := Resolve([]*File{f}, today)
		if len(roster.Users) != want || (errs == nil) != (want == n) {
			t.Errorf("a list of %d: %d people, errors %v", n, len(roster.Users), errs)
		}
	}
}

// TestRow13AccessIsOptional: a person may be declared without any.
func TestRow13AccessIsOptional(t *testing.T) {
	for name, more := range map[string][]string{"omitted": nil, "empty": {"access: []"}} {
		if got := resolved(t, map[string]string{"a.yaml": userYAML("ada", more...)}).Users; len(got) != 1 || len(got[0].Access) != 0 {
			t.Errorf("%s: %v, want one person without access", name, got)
		}
	}
}

// TestRow14KindsOfProduct: products, services and benefits are all given alike.
func TestRow14KindsOfProduct(t *testing.T) {
	tree := contractYAML("acme", "ada", "products: [{name: a}, {name: b}, {name: c}]") + userYAML("ada", "access: [c, b, a]")
	for name, kind := range map[string]ProductType{"a": TypeProduct, "b": TypeService, "c": TypeBenefit} {
		tree += productYAML(name) + "spec: {type: " + string(kind) + "}\n"
	}
	roster := resolved(t, map[string]string{"a.yaml": tree})
	want := []Grant{
		{Contract: "acme", Product: "a", Span: AllTime}, {Contract: "acme", Product: "b", Span: AllTime}, {Contract: "acme", Product: "c", Span: AllTime},
	}
	if diff := cmp.Diff(want, roster.User("ada").Access, ignoreOrigins); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	if got := roster.Product("b").Type; got != TypeService {
		t.Errorf("type %q, want %q", got, TypeService)
	}
}

// TestRow05ContractInformation: it is read from the private folder, and has no
// place in a Roster.
func TestRow05ContractInformation(t *testing.T) {
	roster := resolved(t, map[string]string{"a.yaml": contractYAML("acme", "ada") + userYAML("ada")})
	f, errs := ParsePrivate("p.yaml", []byte(`
apiVersion: usher/v1
kind: ContractInformation
metadata: {name: acme}
spec:
  number: "110-2027"
  term: {from: 2026-07-01, until: 2027-06-30}
  billing: |
    Acme Ltd
    1 High Street
  renewal: yearly
  price: 12,000 EUR
`))
	if errs != nil {
		t.Fatal(errs)
	}
	got, errs := ResolveInformation([]*File{f}, roster)
	if errs != nil {
		t.Fatal(errs)
	}
	want := []ContractInformation{{
		Contract: "acme", Number: "110-2027", Term: Span{day("2026-07-01"), day("2027-06-30")},
		Billing: "Acme Ltd\n1 High Street\n", Renewal: "yearly", Price: "12,000 EUR", Origin: Origin{File: "p.yaml", Line: 2, Column: 1},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("information (-want +got):\n%s", diff)
	}
}

// TestExamples: what newcomers are shown is right, on the day it was written and
// on any later one.
func TestExamples(t *testing.T) {
	for _, name := range []string{"acme", "minimal"} {
		tree := map[string]string{}
		root := "../examples/" + name
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			data, err := os.ReadFile(path)
			tree[path] = string(data)
			return err
		})
		if err != nil || len(tree) == 0 {
			t.Fatalf("%s: %d files, %v", root, len(tree), err)
		}
		if roster := resolved(t, tree); len(roster.Users) == 0 || len(roster.Contracts) == 0 {
			t.Errorf("%s declares nobody or no contract", root)
		}
	}
}
