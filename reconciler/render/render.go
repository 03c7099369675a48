// Package render shows plans, errors, lists and people: as text for a terminal,
// as Markdown for a pull request, as JSON, YAML, CSV and annotations for machines.
// The words are the same in every form.
//
// # The plan in text
//
// A plan is read from the people outwards. Each person stands on a line, what
// they gain and lose below it, each with the manifest line that asks for it:
//
//   - Ada Lovelace <ada@acme.example>                          people/ada.yaml:4:1
//   - contract manager of acme-design                      contracts/design.yaml:5:20
//   - autocad  under acme-design                           people/ada.yaml:10:5
//   - revit    under acme-design  until 2027-03-31         teams/structural.yaml:6:12 via team structural
//
// The signs carry the meaning without colour: "+" is added, "~" changes, "-"
// goes. Contracts, products and teams follow, then seats before and after
// ("8 → 10 of 10"), the messages, notes, and what holds the plan back with the
// command that lets it through. Long plans are folded: people by what happens
// to them, access by product, each with a count.
//
// # The summary line
//
// The last line of a plan, and of its application, is a public interface. Its
// parts come in this order, separated by "; ". People, access and messages are
// always there; roles, contracts, products and teams only where one of their
// numbers is not zero; "held" only where the plan is held.
//
//	Plan: 2 people to add, 1 to change, 0 to remove; access: 5 to grant, 0 to change, 1 to revoke; roles: 1 to assign, 0 to withdraw; contracts: 1 to add, 0 to change, 0 to remove; products: …; teams: …; 3 messages to send; held.
//	Applied: 2 people added, 1 changed, 0 removed; access: 5 granted, 0 changed, 1 revoked; roles: 1 assigned, 0 withdrawn; 3 messages queued.
//
// Where nothing changes, the line begins "No changes.".
package render

import (
	"errors"
	"fmt"
	"strings"
)

// Format is how something is written.
type Format string

// The formats. Not everything can be written in each: see [Formats].
const (
	Text     Format = "text"
	Markdown Format = "markdown"
	JSON     Format = "json"
	GitHub   Format = "github"
	SARIF    Format = "sarif"
	Table    Format = "table"
	YAML     Format = "yaml"
	CSV      Format = "csv"
)

// Formats of plans, of errors and of lists; the first is the default.
var (
	PlanFormats  = Formats{Text, Markdown, JSON, GitHub}
	ErrorFormats = Formats{Text, JSON, GitHub, SARIF}
	ListFormats  = Formats{Table, JSON, YAML, CSV}
)

// Formats is what something can be written as.
type Formats []Format

// ErrFormat means that something cannot be written in the format asked for.
var ErrFormat = errors.New("unknown format")

// Parse returns the format of that name, ErrFormat when it is not one of fs.
func (fs Formats) Parse(name string) (Format, error) {
	for _, f := range fs {
		if string(f) == name {
			return f, nil
		}
	}
	return "", fmt.Errorf("%w %q: use one of %s", ErrFormat, name, fs)
}

// String lists the formats as "text, markdown or json".
func (fs Formats) String() string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = string(f)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Options is how text is written.
type Options struct {
	Color bool   // with ANSI colours: only for terminals
	Full  bool   // lists everything, however long
	Flags string // what commands that are shown need too, such as " --state sqlite:x.db"

	Top     string // what the paths of a plan's manifests are below, as seen from the top of their repository
	Command string // what shows a plan whole that is cut: "usher plan examples/acme --full"; "": nothing does
}
