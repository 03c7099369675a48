package spec_test

import (
	"strings"
	"testing"
	"time"

	"usher/spec"
)

const aKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9dKx0WmXhHVbEJhH0jkq0Pr4y3eQ3xB3jqLq4Q5k3m"

// However a key is written, it is kept in one way, and reads back as itself.
func TestSigningKeysAreKeptInOneWay(t *testing.T) {
	for line, want := range map[string]string{
		aKey:                                         aKey,
		"  " + aKey + "  ada@laptop # home":          aKey,
		`valid-before="20270101" ` + aKey:            `valid-before="20270101" ` + aKey,
		`valid-before=20270101Z ` + aKey:             `valid-before="20270101" ` + aKey,
		`VALID-BEFORE="202701010000" ` + aKey + " x": `valid-before="20270101" ` + aKey,
		`valid-before="20270101120000",valid-after="202606151200" ` + aKey: `valid-after="20260615120000",valid-before="20270101120000" ` + aKey,
	} {
		k, err := spec.ParseSigningKey(line)
		if err != nil || k.String() != want || k.Key != aKey {
			t.Errorf("%s: %q, %v, want %q", line, k, err, want)
			continue
		}
		if again, err := spec.ParseSigningKey(k.String()); err != nil || again != k {
			t.Errorf("%s read back: %v, %v", k, again, err)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	for line, want := range map[string]string{
		"":                                 "is not one SSH public key",
		"ssh-ed25519 AAAA":                 "is not one SSH public key",
		"# a comment\n" + aKey:             "is not one SSH public key",
		aKey + "\n" + aKey:                 "is not one SSH public key",
		`namespaces="git" ` + aKey:         `a signing key has no option "namespaces"`,
		`cert-authority ` + aKey:           `a signing key has no option "cert-authority"`,
		`valid-before ` + aKey:             "is not a moment such as 20270101",
		`valid-before="2027" ` + aKey:      "is not a moment such as 20270101",
		`valid-after="2027-01-01" ` + aKey: "is not a moment such as 20270101",
		`valid-after="20271301" ` + aKey:   "is not a moment such as 20270101",
		`valid-before="20270101",valid-before="20280101" ` + aKey: "valid-before is given twice",
		`valid-before="20270101",valid-after="20280101" ` + aKey:  "the key is valid before 20270101, which is not after 20280101",
	} {
		if k, err := spec.ParseSigningKey(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want an error with %q", line, k, err, want)
		}
	}
}

func TestSigningKeyInTime(t *testing.T) {
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		options, at string
		want        bool
	}{
		{"", "1999-01-01T00:00:00Z", true},
		{`valid-before="20270101" `, "2027-01-01T00:00:00Z", true},
		{`valid-before="20270101" `, "2027-01-01T00:00:01Z", false},
		{`valid-after="20260601" `, "2026-05-31T23:59:59Z", false},
		{`valid-after="20260601" `, "2026-06-01T00:00:00Z", true},
		{`valid-after="20260601",valid-before="20270101" `, "2026-08-01T00:00:00Z", true},
		{`valid-after="20260601",valid-before="20270101" `, "2028-08-01T00:00:00Z", false},
	} {
		k, err := spec.ParseSigningKey(c.options + aKey)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.ValidAt(at(c.at)); got != c.want {
			t.Errorf("%sat %s: valid %v, want %v", c.options, c.at, got, c.want)
		}
	}
}

// Two people cannot hold one key, whatever options stand before it.
func TestOneKeyOneHolder(t *testing.T) {
	person := func(name, key string) string {
		return "apiVersion: usher/v1\nkind: User\nmetadata: {name: " + name + "}\nspec:\n  email: " + name +
			"@acme.example\n  firstName: A\n  lastName: B\n  signingKeys: ['" + key + "']\n---\n"
	}
	f, errs := spec.Parse("a.yaml", []byte(person("ada", aKey)+person("bo", `valid-before="20270101" `+aKey)))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	_, errs = spec.Resolve([]*spec.File{f}, 0)
	if len(errs) != 1 || errs[0].Code != "duplicate-key-holder" {
		t.Errorf("errors: %v, want one of duplicate-key-holder", errs)
	}
}
