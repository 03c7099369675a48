package edit

import (
	"errors"
	"fmt"
	"strings"

	"usher/spec"
)

// What an edit can fail with, beside a [RefusedError].
var (
	ErrUnknown   = errors.New("no such thing is declared")
	ErrDeclared  = errors.New("declared already")
	ErrElsewhere = errors.New("it comes from elsewhere")
	ErrAmbiguous = errors.New("more than one is meant")
	ErrLess      = errors.New("it would take away")
	ErrField     = errors.New("no such field can be edited")
	ErrPath      = errors.New("no manifest can lie there")
	ErrByHand    = errors.New("written in a way that cannot be edited in place")
)

// Error is an edit that was not made, with the kind of failure (one of the
// errors above) and what to do about it.
type Error struct {
	Kind   error
	Reason string
	Hint   string // "" where nothing can be said
}

// Error is the reason, without the hint.
func (e *Error) Error() string { return e.Reason }

// Unwrap is the kind of failure.
func (e *Error) Unwrap() error { return e.Kind }

func fail(kind error, hint, format string, args ...any) error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...), Hint: hint}
}

// byHand is the failure of an edit whose place is written in a way that is
// valid, but not one this package knows how to change.
func byHand(file string, line int, what string) error {
	return fail(ErrByHand, "edit it by hand", "%s:%d: %s is written in a way that cannot be edited in place", file, line, what)
}

// RefusedError is what was asked and the manifests may not say: the tree is
// valid as it stands and would not be after the edit.
//
// It does not unwrap to [spec.Errors], which mean that the tree itself is wrong.
type RefusedError struct {
	Errors spec.Errors
	edited map[string]bool // files of the edit
}

// Error words each error once. Places in files of the edit are left out: they
// count lines that are not written.
func (e *RefusedError) Error() string {
	lines := make([]string, len(e.Errors))
	for i, err := range e.Errors {
		lines[i] = err.Error()
		if e.edited[err.File] {
			lines[i] = err.Message()
		}
	}
	return strings.Join(lines, "\n")
}

// Hint is the first hint among the errors.
func (e *RefusedError) Hint() string {
	for _, err := range e.Errors {
		if err.Hint != "" {
			return err.Hint
		}
	}
	return ""
}

// refused is the error of what spec says of the tree as edited; editing names
// files that the edit would have changed, beside those it has.
func (t *Tree) refused(errs spec.Errors, editing ...string) error {
	e := &RefusedError{Errors: errs.Sort(), edited: map[string]bool{}}
	for _, c := range t.Changes() {
		e.edited[c.Path] = true
	}
	for _, file := range editing {
		e.edited[file] = true
	}
	return e
}
