package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// person is a typical User manifest for the benchmarks.
func person(i int) string {
	return fmt.Sprintf(`apiVersion: usher/v1
kind: User
metadata:
  name: person-%[1]d
spec:
  email: person-%[1]d@acme.example
  firstName: First
  lastName: Last
  access:
    - {product: autocad}
    - {product: revit, contract: acme, from: 2026-12-01, until: 2027-03-31, reason: CAD-%[1]d}
`, i)
}

func people(n int) string {
	documents := make([]string, n)
	for i := range documents {
		documents[i] = person(i)
	}
	return strings.Join(documents, "---\n")
}

// plainUser is what yaml.v3 alone decodes a User into, strictly.
type plainUser struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Email     string `yaml:"email"`
		FirstName string `yaml:"firstName"`
		LastName  string `yaml:"lastName"`
		Access    []struct {
			Product  string `yaml:"product"`
			Contract string `yaml:"contract"`
			From     string `yaml:"from"`
			Until    string `yaml:"until"`
			Reason   string `yaml:"reason"`
		} `yaml:"access"`
	} `yaml:"spec"`
}

// decodePlainly is the yardstick: yaml.v3 with KnownFields and nothing else.
func decodePlainly(data []byte) (users []plainUser, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	for {
		var u plainUser
		if err := dec.Decode(&u); errors.Is(err, io.EOF) {
			return users, nil
		} else if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
}

// BenchmarkParse reads 1,000 users from one file and from a file each. Beside
// the time a user it reports it as a multiple of what yaml.v3 takes for a strict
// decode of the same bytes into structs.
func BenchmarkParse(b *testing.B) {
	const users = 1000
	each := make([][]byte, users)
	for i := range each {
		each[i] = []byte(person(i))
	}
	b.Run("one file", func(b *testing.B) { benchmarkParse(b, users, [][]byte{[]byte(people(users))}) })
	b.Run("a file each", func(b *testing.B) { benchmarkParse(b, users, each) })
}

func benchmarkParse(b *testing.B, users int, files [][]byte) {
	var ours, plain time.Duration
	for b.Loop() {
		began := time.Now()
		for _, data := range files {
			if _, errs := Parse("users.yaml", data); errs != nil {
				b.Fatal(errs)
			}
		}
		ours += time.Since(began)
		b.StopTimer()
		began = time.Now()
		for _, data := range files {
			if _, err := decodePlainly(data); err != nil {
				b.Fatal(err)
			}
		}
		plain += time.Since(began)
		b.StartTimer()
	}
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N*users), "ns/user")
	b.ReportMetric(float64(ours)/float64(plain), "×yaml.v3")
}

// gatherPlainly is the yardstick of resolving: everybody in one list in the order of
// their names, with what their own document gives them and what their teams do, and
// nothing checked, merged or counted.
func gatherPlainly(files []*File) []User {
	var users []User
	for _, f := range files {
		for i := range f.users {
			m := &f.users[i]
			users = append(users, User{
				Name: m.name(), Email: m.Spec.Email.Value, FirstName: m.Spec.FirstName.Value, LastName: m.Spec.LastName.Value,
				Access: grantPlainly(nil, f.Path, m.Spec.Access),
			})
		}
	}
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	at := make(map[string]*User, len(users))
	for i := range users {
		at[users[i].Name] = &users[i]
	}
	for _, f := range files {
		for i := range f.teams {
			for _, member := range f.teams[i].Spec.Members {
				u := at[member.Value]
				u.Access = grantPlainly(u.Access, f.Path, f.teams[i].Spec.Access)
			}
		}
	}
	return users
}

func grantPlainly(has []Grant, path string, items []accessItem) []Grant {
	for _, a := range items {
		has = append(has, Grant{
			Contract: a.Contract.Value, Product: a.Product.Value, Span: Span{a.From.Day, a.Until.Day}, Reason: a.Reason.Value,
			Because: []Origin{{File: path, Line: a.Line, Column: a.Column}},
		})
	}
	return has
}

// BenchmarkResolve resolves users of two products, half of them by way of a team. It
// reports the time as a multiple of what gathering the same people plainly takes, which
// no resolving can do without, and of what yaml.v3 takes for a strict decode of them,
// which comes before it.
func BenchmarkResolve(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("N=%d", n), func(b *testing.B) {
			team := teamYAML("half", "access: [revit]", "members:") + numbered(n/2, "    - person-%d\n")
			var files []*File
			for from := 0; from < n; from += 1_000 {
				documents := make([]string, 1_000)
				for i := range documents {
					documents[i] = person(from + i)
				}
				files = append(files, parsed(b, fmt.Sprintf("users-%d.yaml", from), strings.Join(documents, "---\n")))
			}
			files = append(files, parsed(b, "rest.yaml", productYAML("autocad")+productYAML("revit")+
				contractYAML("acme", "person-0", "products: [{name: autocad}, {name: revit, seats: 100000}]")+team))
			text := []byte(people(n))
			var ours, plain, decoding time.Duration
			b.ReportAllocs()
			for b.Loop() {
				began := time.Now()
				if _, errs := Resolve(files, today); errs != nil {
					b.Fatal(errs)
				}
				ours += time.Since(began)
				b.StopTimer()
				began = time.Now()
				if users := gatherPlainly(files); len(users) != n {
					b.Fatalf("gathered %d of %d", len(users), n)
				}
				plain += time.Since(began)
				began = time.Now()
				if _, err := decodePlainly(text); err != nil {
					b.Fatal(err)
				}
				decoding += time.Since(began)
				b.StartTimer()
			}
			b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N*n), "ns/user")
			b.ReportMetric(float64(ours)/float64(plain), "x-floor")
			b.ReportMetric(float64(ours)/float64(decoding), "×yaml.v3")
		})
	}
}
