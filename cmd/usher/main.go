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
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

// run is the whole command: arguments without the program's name in, exit code
// out. Interrupt and termination end what is under way at its next safe point; a
// second one ends it at once, for what cannot be told to stop, such as opening a
// pipe that nobody writes.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := newApp(stdin, stdout, stderr, environ)
	root := a.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil && a.stdout.lost != nil {
		err = hintError{fmt.Errorf("writing the result: %w", a.stdout.lost), "what was asked for was done, as far as it changes anything"}
	}
	a.report(err)
	return exitCode(err)
}
