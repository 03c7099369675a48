package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/spec"
	"usher/state"
	"usher/state/mail"
)

// app is one run of the command: what it was given from outside, and its settings.
type app struct {
	stdin    io.Reader
	stdout   *results
	stderr   io.Writer
	environ  map[string]string
	now      func() time.Time
	clock    atomic.Pointer[reconciler.Clock] // what is believed of now, where somebody doubts it
	settings settings
	deaf     func() // stops listening to signals
}

func newApp(stdin io.Reader, stdout, stderr io.Writer, environ []string) *app {
	a := &app{stdin: stdin, stdout: &results{to: stdout}, stderr: stderr, environ: map[string]string{}, now: time.Now, deaf: func() {}}
	for _, variable := range environ {
		if name, value, ok := strings.Cut(variable, "="); ok {
			a.environ[name] = value
		}
	}
	return a
}

// time is the time as far as it is believed.
func (a *app) time() time.Time {
	if clock := a.clock.Load(); clock != nil {
		return clock.Now()
	}
	return a.now()
}

const rootLong = `usher keeps people's access to software the way manifests say it should be.

It reads YAML manifests from a folder, compares them with what is true, carries
out exactly the difference, and writes to everyone whose access changed.`

const rootExample = `  usher plan examples/acme     what would happen
  usher apply examples/acme    do it, and deliver the messages
  usher get users              who there is
  usher help manifests         what manifests can say`

// command builds the tree of commands, of which it leaves out those that the
// arguments do not ask for, where they begin with the name of one.
func (a *app) command(args ...string) *cobra.Command {
	root := &cobra.Command{
		Use: "usher", Short: "access to software, as manifests say", Example: rootExample,
		Long:          rootLong + "\n\nTopics: usher help " + strings.Join(topicNames(), ", ") + ".",
		SilenceErrors: true, SilenceUsage: true, Args: knownCommand, RunE: showHelp,
		PersistentPreRunE: a.prepare,
	}
	a.settings.flags(root.PersistentFlags())
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	asked := func(c namedCommand) bool { return len(args) > 0 && c.name == args[0] }
	of := commands
	if i := slices.IndexFunc(of, asked); i >= 0 {
		of = of[i : i+1]
	}
	for _, c := range of {
		root.AddCommand(c.make(a))
	}
	root.SetHelpCommand(a.helpCommand())
	root.InitDefaultCompletionCmd()
	return root
}

// namedCommand is a command by its name, made when it is asked for.
type namedCommand struct {
	name string
	make func(*app) *cobra.Command
}

// commands are all there are, beside help and completion.
var commands = []namedCommand{
	{"validate", (*app).validateCommand}, {"plan", (*app).planCommand}, {"apply", (*app).applyCommand},
	{"watch", (*app).watchCommand}, {"status", (*app).statusCommand},
	{"reconcile", (*app).reconcileCommand}, {"suspend", (*app).suspendCommand}, {"resume", (*app).resumeCommand},
	{"get", (*app).getCommand}, {"describe", (*app).describeCommand}, {"why", (*app).whyCommand}, {"history", (*app).historyCommand},
	{"add", (*app).addCommand}, {"edit", (*app).editCommand}, {"revert", (*app).revertCommand},
	{"explain", (*app).explainCommand}, {"schema", (*app).schemaCommand},
	{"approve", (*app).approveCommand}, {"invitation", (*app).invitationCommand}, {"mail", (*app).mailCommand},
	{"credits", (*app).creditsCommand}, {"token", (*app).tokenCommand}, {"forget", (*app).forgetCommand},
	{"doctor", (*app).doctorCommand}, {"backup", (*app).backupCommand}, {"restore", (*app).restoreCommand},
	{"version", (*app).versionCommand},
}

// prepare comes before whatever a command does.
func (a *app) prepare(c *cobra.Command, args []string) error {
	c.SetContext(a.interruptible(c.Context()))
	return a.load(c, args)
}

// load is as much of prepare as a command needs that only says something.
func (a *app) load(c *cobra.Command, _ []string) error {
	return a.settings.load(c.Flags(), a.environ)
}

func showHelp(c *cobra.Command, _ []string) error { return c.Help() }

// knownCommand refuses a word that is no command, and names the nearest that is.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return usage(didYouMean(args[0], names), "there is no command %q", c.CommandPath()+" "+args[0])
}

func flagError(c *cobra.Command, err error) error {
	return hintError{err, c.CommandPath() + " --help shows every flag"}
}

// wants checks that a command got the arguments its usage line names.
func wants(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		hint := c.CommandPath() + " --help shows how it is used"
		switch {
		case len(args) < least:
			return usage(hint, "%s wants %s", c.CommandPath(), what)
		case most >= 0 && len(args) > most:
			return usage(hint, "%s wants %s, and no more: %q is too much", c.CommandPath(), what, args[most])
		}
		return nil
	}
}

// group is a command that only holds others.
func group(use, short, example string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Example: example, Args: knownCommand, RunE: showHelp}
	c.AddCommand(subs...)
	return c
}

// read opens the state for reading, which neither creates nor locks anything.
func (a *app) read(ctx context.Context) (*state.DB, error) {
	return state.Open(ctx, a.settings.State, state.Options{ReadOnly: true, Now: a.now})
}

// write opens the state for a command that changes it.
func (a *app) write(ctx context.Context, command string) (*state.DB, error) {
	ttl, err := a.settings.invitationTTL()
	if err != nil {
		return nil, err
	}
	return state.Open(ctx, a.settings.State, state.Options{Now: a.time, Command: command, InvitationTTL: ttl})
}

// existing refuses to go on where nothing was ever applied, so that a mistyped
// --state is not taken for an organisation without people.
func existing(db *state.DB, where string) error {
	if db.Exists() {
		return nil
	}
	return hintError{fmt.Errorf("there is no state at %s", where), "usher apply DIR makes one; --state names another"}
}

// controller wires manifests, state and messages. dir is empty for commands that
// read no manifests.
func (a *app) controller(db *state.DB, dir string, settle time.Duration) (*reconciler.Controller, error) {
	limits, err := a.settings.limits()
	if err != nil {
		return nil, err
	}
	writer, err := a.composer()
	if err != nil {
		return nil, err
	}
	c := &reconciler.Controller{
		DB: db, Compose: writer, Limits: limits, Now: a.now, By: operator(),
		From: a.from(), Suppress: a.settings.Mail == "none",
	}
	if dir != "" {
		c.Source = source.Dir(dir, source.Options{Settle: settle})
	}
	if a.settings.Private != "" {
		c.Private = source.Dir(a.settings.Private, source.Options{Settle: settle})
	}
	return c, nil
}

func (a *app) composer() (*notice.Writer, error) {
	return notice.New(notice.Options{From: a.from(), URL: a.settings.URL, Templates: a.settings.Templates})
}

func (a *app) from() string {
	if a.settings.From == "" {
		return notice.DefaultFrom
	}
	return a.settings.From
}

// transport opens where messages go; nil for "none".
func (a *app) transport() (mail.Transport, error) {
	if _, err := a.settings.delivery(a.now); err != nil {
		return nil, err
	}
	return mail.Open(mail.Settings{Where: a.settings.Mail, From: a.settings.From, PasswordFile: a.settings.MailPasswordFile})
}

// operator is who runs the command, for the record.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// invalid gives errors about manifests the lines they are about, read again.
func invalid(ctx context.Context, c *reconciler.Controller, dir string, err error) error {
	var errs spec.Errors
	if !errors.As(err, &errs) {
		return err
	}
	tree := render.Tree{Path: dir, Files: map[string][]byte{}}
	for _, s := range []reconciler.Source{c.Private, c.Source} {
		if s == nil {
			continue
		}
		m, err := s.Snapshot(ctx)
		if err != nil || m == nil {
			continue
		}
		for _, f := range m.Files {
			tree.Files[f.Path] = f.Data
		}
	}
	return invalidError{errs, tree}
}
