package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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

// BenchmarkResolve resolves users of two products, half of them by way of a team.
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
			b.ReportAllocs()
			for b.Loop() {
				if _, errs := Resolve(files, today); errs != nil {
					b.Fatal(errs)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/user")
		})
	}
}
