package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// tofuVariable names an OpenTofu or Terraform program to compare with.
const tofuVariable = "USHER_BENCH_TOFU"

// tofuConfiguration keeps people in the fastest way that such a program has: one
// resource of its own, counted, so that nothing is asked of anybody else.
const tofuConfiguration = `locals {
  people = jsondecode(file("people.json"))
}

resource "terraform_data" "person" {
  count = length(local.people)
  input = local.people[count.index]
}
`

// BenchmarkBesideTofu takes the same people to be so with usher and with OpenTofu or
// Terraform, whose program USHER_BENCH_TOFU names: a first apply, one that finds
// nothing to do, and one after one person's name changed. It reports how many times as
// long the other takes, as x-first, x-nothing and x-change. The other looks nothing up
// outside its own state (-refresh=false), and writes to nobody. Its time grows with the
// square of the people: 10,000 want -timeout 2h, and one layout of manifests.
//
//	USHER_BENCH_PEOPLE=10000 go test ./cmd/usher -run '^$' -bench BesideTofu/lists -benchtime 1x -timeout 2h
func BenchmarkBesideTofu(b *testing.B) {
	program := os.Getenv(tofuVariable)
	if program == "" {
		b.Skip(tofuVariable + " names no OpenTofu or Terraform to compare with")
	}
	usher := compile(b, "usher/cmd/usher")
	eachOrganisation(b, func(b *testing.B, dir string, people int) {
		var ours, theirs rounds
		for b.Loop() {
			ours.add(b, usherRounds(b, usher, dir))
			theirs.add(b, tofuRounds(b, program, people))
		}
		for i, name := range []string{"first", "nothing", "change"} {
			b.ReportMetric(float64(theirs[i])/float64(ours[i]), "x-"+name)
			b.ReportMetric(theirs[i].Seconds()/float64(b.N), "s-"+name)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// rounds are how long a first apply took, one that found nothing, and one after a change.
type rounds [3]time.Duration

func (r *rounds) add(b *testing.B, more rounds) {
	b.Helper()
	for i, d := range more {
		r[i] += d
	}
}

func usherRounds(b *testing.B, usher, dir string) (r rounds) {
	state := filepath.Join(b.TempDir(), "usher.db")
	apply := func() time.Duration {
		return command(b, "", usher, "apply", dir, "--settle", "0s", "--state", "sqlite:"+state, "--mail", "none", "--max-mail", "10000000")
	}
	r[0] = apply()
	time.Sleep(2100 * time.Millisecond) // until no file counts as just written
	apply()
	r[1] = apply()
	changeOne(b, dir)
	r[2] = apply()
	return r
}

var lastName = regexp.MustCompile(`(?m)^( *lastName: ).*$`)

// changeOne gives the first person another last name.
func changeOne(b *testing.B, dir string) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "people", "*.yaml"))
	if err == nil && len(files) == 0 {
		files, err = filepath.Glob(filepath.Join(dir, "people", "*", "*.yaml"))
	}
	if err != nil || len(files) == 0 {
		b.Fatalf("no manifests of people in %s: %v", dir, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		b.Fatal(err)
	}
	at := lastName.FindSubmatchIndex(text)
	if at == nil {
		b.Fatalf("%s has no last name", files[0])
	}
	changed := fmt.Appendf(nil, "%sBy%d%s", text[:at[3]], time.Now().UnixNano(), text[at[1]:])
	if err := os.WriteFile(files[0], changed, 0o600); err != nil {
		b.Fatal(err)
	}
}

func tofuRounds(b *testing.B, program string, people int) (r rounds) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(tofuConfiguration), 0o600); err != nil {
		b.Fatal(err)
	}
	list := make([]map[string]any, people)
	for i := range list {
		name := fmt.Sprintf("u%07d", i)
		list[i] = map[string]any{
			"name": name, "email": name + "@acme.example", "firstName": "Ada", "lastName": "Lovelace",
			"access": []string{fmt.Sprintf("product-%02d", i%50), fmt.Sprintf("product-%02d", (i+7)%50), fmt.Sprintf("product-%02d", (i+20)%50)},
		}
	}
	write := func() {
		text, err := json.Marshal(list)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "people.json"), text, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	apply := func() time.Duration {
		return command(b, dir, program, "apply", "-auto-approve", "-input=false", "-no-color", "-refresh=false")
	}
	write()
	command(b, dir, program, "init", "-input=false", "-no-color")
	r[0] = apply()
	r[1] = apply()
	list[0]["lastName"] = "Byron"
	write()
	r[2] = apply()
	return r
}
