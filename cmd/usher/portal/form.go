package portal

import (
	"cmp"
	"strings"

	"usher/spec/edit"
)

// formProblem is why a form was not carried out.
type formProblem struct {
	Lines []string // what no single field is at fault for
	Hint  string
	Wrong map[string]fieldProblem // by the name of the field
}

// fieldProblem is what is wrong with one field, and what would be right.
type fieldProblem struct{ Reason, Hint string }

// fieldLabels are what pages call the fields that can be wrong, in the order in which
// they stand there.
var fieldLabels = []choice{
	{"email", "E-mail"}, {"first", "First name"}, {"last", "Last name"}, {"users", "People"}, {"name", "Name of the list"},
	{"from", "From"}, {"until", "Until"}, {"reason", "Reason"},
}

// Any reports whether anything is wrong.
func (p formProblem) Any() bool { return len(p.Lines)+len(p.Wrong) > 0 }

// Marked are the fields at fault, each with its id and its label, in the order in which
// they stand on the page.
func (p formProblem) Marked() []choice {
	var marked []choice
	for _, field := range fieldLabels {
		if _, wrong := p.Wrong[field.Value]; wrong {
			marked = append(marked, field)
		}
	}
	return marked
}

// At is what is wrong with a field, nil for nothing.
func (p formProblem) At(field string) *fieldProblem {
	if wrong, ok := p.Wrong[field]; ok {
		return &wrong
	}
	return nil
}

// mark puts what is wrong beside a field. What is said first stays.
func (p *formProblem) mark(field string, wrong fieldProblem) {
	if p.Wrong == nil {
		p.Wrong = map[string]fieldProblem{}
	}
	p.Wrong[field] = cmp.Or(p.Wrong[field], wrong)
}

// problemOf ties what is wrong with an edit to the fields of its form, which are given
// by what manifests call them; the rest stays with the form.
func problemOf(refused *edit.RefusedError, fields map[string]string) formProblem {
	var p formProblem
	lines := strings.Split(refused.Error(), "\n")
	for i, e := range refused.Errors {
		field := fieldNamed(e.Reason, fields)
		if field == "" || p.At(field) != nil {
			p.Lines, p.Hint = append(p.Lines, lines[i]), cmp.Or(p.Hint, e.Hint)
			continue
		}
		p.mark(field, plainProblem(e))
	}
	return p
}
