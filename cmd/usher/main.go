// Command usher keeps people's access to software the way manifests say it
// should be. This package is flags, wiring, exit codes and the terminal; what
// happens is in the packages below it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if !keepsPace() {
		frugal(frugalFrom)
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

// run is the whole command: arguments without the program's name in, exit code
// out.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	a := newApp(stdin, stdout, stderr, environ)
	err := a.execute(args)
	if err == nil && a.stdout.lost != nil {
		err = hintError{fmt.Errorf("writing the result: %w", a.stdout.lost), "what was asked for was done, as far as it changes anything"}
	}
	a.report(err)
	return exitCode(err)
}

func (a *app) execute(args []string) error {
	defer func() { a.deaf() }()
	root := a.command(args...)
	root.SetArgs(args)
	return root.ExecuteContext(context.Background())
}

// interruptible gives a context that interrupt and termination end, so that what is
// under way ends at its next safe point; a second one ends the process at once, for
// what cannot be told to stop, such as opening a pipe that nobody writes.
func (a *app) interruptible(ctx context.Context) context.Context {
	ctx, a.deaf = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, a.deaf)
	return ctx
}
