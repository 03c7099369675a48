package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/spec"
	"usher/state"
)

// Exit codes, a public interface.
const (
	exitDone    = 0 // done, or nothing to do
	exitFailed  = 1 // failed, bad usage included
	exitChanges = 2 // plan --detailed-exitcode: there are changes
	exitInvalid = 3 // the manifests are invalid
	exitHeld    = 4 // held by a limit or by authority
	exitBusy    = 5 // try again
	exitState   = 6 // the state is newer than this binary, or damaged
)

// What plan --detailed-exitcode ends with. The plan has said it all already.
var (
	errChanges = errors.New("there are changes")
	errHeld    = errors.New("the plan would be held")
)

// exits is the one table from errors to exit codes; what is not in it is 1.
var exits = []struct {
	is   func(error) bool
	code int
}{
	{among(errChanges), exitChanges},
	{as[spec.Errors], exitInvalid},
	{as[*reconciler.HeldError], exitHeld},
	{among(errHeld), exitHeld},
	{among(state.ErrBusy, state.ErrFenced), exitBusy},
	{among(state.ErrNewer, state.ErrDamaged), exitState},
}

func among(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	for _, e := range exits {
		if e.is(err) {
			return e.code
		}
	}
	return exitFailed
}

// hintError is an error with what to do about it, which stands on a line of its own.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

// usage is a mistake on the command line.
func usage(hint, format string, args ...any) error {
	return hintError{fmt.Errorf(format, args...), hint}
}

// invalidError is manifests that are invalid, with what was read of them.
type invalidError struct {
	spec.Errors
	tree render.Tree
}

func (e invalidError) Unwrap() error { return e.Errors }

// saidError is an error that the command's result has already told in full.
type saidError struct{ error }

func (e saidError) Unwrap() error { return e.error }

// report writes an error to standard error, once, with its hint.
func (a *app) report(err error) {
	if err == nil || as[saidError](err) {
		return
	}
	var invalid invalidError
	if errors.As(err, &invalid) {
		render.Errors(a.stderr, invalid.Errors, invalid.tree, render.Text, a.stderrOptions())
		return
	}
	if errors.Is(err, context.Canceled) {
		err = hintError{errors.New("interrupted"), "nothing is ever half done: usher history shows what was applied"}
	}
	fmt.Fprintln(a.stderr, "usher: "+strings.ReplaceAll(err.Error(), "\n", "\n  "))
	var hinted hintError
	if errors.As(err, &hinted) && hinted.hint != "" {
		fmt.Fprintln(a.stderr, "  hint: "+hinted.hint)
	}
}
