package edit

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"usher/spec"
)

const today = spec.Day(20_779) // 2026-11-22

// base is what every tree of these tests has: two contracts, of which both offer
// training; a team that gives plot; a manager.
const base = `apiVersion: usher/v1
kind: Contract
metadata: {name: acme}
spec:
  contractManager: max
  products:
    - {name: autocad, seats: 3}   # three is enough
    - {name: revit}
    - name: plot
    - {name: training}
---
apiVersion: usher/v1
kind: Contract
metadata: {name: zeta}
spec: {contractManager: max, softwareCoordinators: [max], products: [{name: training}]}
---
{"apiVersion": "usher/v1", "kind": "Product", "metadata": {"name": "autocad"}}
---
{apiVersion: usher/v1, kind: Product, metadata: {name: revit}}
---
{apiVersion: usher/v1, kind: Product, metadata: {name: plot}}
---
{apiVersion: usher/v1, kind: Product, metadata: {name: training}}
---
apiVersion: usher/v1
kind: User
metadata: {name: max}
spec:
  email: max@acme.example
  firstName: Max
  lastName: Roth
`

// team has ada for a member.
const team = `apiVersion: usher/v1
kind: Team
metadata: {name: plotters}
spec:
  members:
    # the night shift
    - ada   # since May
    - max
  access: [plot]
`

// person is ada's manifest, ending in these lines below spec.
func person(lines ...string) string {
	return `# Ada, of the bridge office

apiVersion: usher/v1
kind: User
metadata: {name: ada}
spec:
  email: ada@acme.example   # what she signs in with
  firstName: Ada
  lastName: Lovelace
` + strings.Join(lines, "")
}

// tree opens base, the team and a file with ada in it.
func tree(t testing.TB, ada string) *Tree {
	t.Helper()
	opened, err := Open(map[string][]byte{
		"base.yaml": []byte(base), "teams/plotters.yaml": []byte(team), "people/ada.yaml": []byte(ada),
	}, today)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// lines is what differs: lines taken out with "-" before them, lines put in with
// "+", files by name where there is more than one.
func changed(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		if len(changes) > 1 {
			b.WriteString(c.Path + "\n")
		}
		for i, line := range strings.SplitAfter(string(diff.Diff("", c.Before, "", c.After)), "\n") {
			if i > 2 && (strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+")) {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

func day(t testing.TB, text string) spec.Day {
	t.Helper()
	d, err := spec.ParseDay(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
