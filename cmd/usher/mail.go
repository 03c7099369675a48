package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/reconciler/render"
	"usher/state"
)

func (a *app) mailCommand() *cobra.Command {
	return group("mail", "the messages: list, show, preview, send, try again",
		"  usher mail list --only failed\n  usher mail show 12\n  usher mail preview invitation",
		a.mailListCommand(), a.mailShowCommand(), a.mailPreviewCommand(), a.mailSendCommand(),
		a.mailAgainCommand("retry", "try messages again that were given up", reconciler.RequestRetry, state.MessageFailed),
		a.mailAgainCommand("release", "let messages go that are held", reconciler.RequestRelease, state.MessageHeld),
	)
}

var messageStates = []string{"queued", "sending", "sent", "failed", "held", "cancelled", "suppressed"}

func (a *app) mailListCommand() *cobra.Command {
	var output, which string
	c := &cobra.Command{
		Use: "list", Short: "the messages and where each one stands",
		Long:    "Lists the messages, oldest first, with the state of each:\n" + strings.Join(messageStates, ", ") + ".",
		Example: "  usher mail list\n  usher mail list --only failed -o json",
		Args:    wants(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			format, err := render.ListFormats.Parse(output)
			if err != nil {
				return err
			}
			if which != "" && !slices.Contains(messageStates, which) {
				return usage(didYouMean(which, messageStates), "messages are never %q", which)
			}
			return a.reading(c.Context(), func(db *state.DB) error {
				messages, err := db.Messages(c.Context(), state.MessageQuery{State: state.MessageState(which)})
				if err != nil {
					return err
				}
				return render.Messages(messages).Write(a.stdout, format, a.stdoutOptions(false))
			})
		},
	}
	outputFlag(c, &output, render.ListFormats)
	c.Flags().StringVar(&which, "only", "", "messages in this `state` only")
	return c
}

// part is which part of a message is shown.
type part struct{ html, raw bool }

func (p *part) flags(c *cobra.Command) {
	c.Flags().BoolVar(&p.html, "html", false, "show the HTML part instead of the text")
	c.Flags().BoolVar(&p.raw, "raw", false, "show the message as it is sent")
	c.MarkFlagsMutuallyExclusive("html", "raw")
}

func (a *app) mailShowCommand() *cobra.Command {
	var p part
	c := &cobra.Command{
		Use: "show ID", Short: "one message, without its given password",
		Long:    "Shows one message: where it stands, its headers and its text. A given password is\nleft out; it stands in the message sent and nowhere else.",
		Example: "  usher mail show 12\n  usher mail show 12 --html > message.html",
		Args:    wants(1, 1, "ID, the number of a message"),
		RunE: func(c *cobra.Command, args []string) error {
			ids, err := messageIDs(args)
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(db *state.DB) error { return a.showMessage(c.Context(), db, ids[0], p) })
		},
	}
	p.flags(c)
	return c
}

func (a *app) showMessage(ctx context.Context, db *state.DB, id int64, p part) error {
	m, err := db.Message(ctx, id)
	if err != nil {
		return hintError{err, "usher get mail lists the messages"}
	}
	if !p.raw && !p.html {
		a.say("%s", standing(m))
	}
	return render.Letter(a.stdout, db.Redacted(m), p.html, p.raw)
}

// standing says where a message stands.
func standing(m state.Message) string {
	line := fmt.Sprintf("Message %d of revision %d: %s", m.ID, m.Revision, m.State)
	switch {
	case !m.SentAt.IsZero():
		line += " at " + m.SentAt.UTC().Format(time.RFC3339)
	case m.LastError != "":
		line += fmt.Sprintf(", after %s: %s", render.Count(m.Attempts, "attempt", "attempts"), m.LastError)
	}
	return line
}

func (a *app) mailPreviewCommand() *cobra.Command {
	var p part
	names := make([]string, len(notice.Kinds))
	for i, kind := range notice.Kinds {
		names[i] = string(kind)
	}
	c := &cobra.Command{
		Use: "preview KIND", Short: "a message of a kind, with made-up people",
		Long:      "Shows how a message of a kind reads, with made-up people and the templates in use.\nKinds: " + strings.Join(names, ", ") + ".",
		Example:   "  usher mail preview invitation\n  usher mail preview access --html > access.html",
		ValidArgs: names,
		Args:      wants(1, 1, "KIND, one of "+strings.Join(names, ", ")),
		RunE: func(c *cobra.Command, args []string) error {
			sample := notice.Sample(reconciler.NoticeKind(args[0]))
			if sample == nil {
				return usage(didYouMean(args[0], names), "there are no messages of kind %q", args[0])
			}
			writer, err := a.composer()
			if err != nil {
				return err
			}
			if sample.Subject, err = writer.Subject(sample); err != nil {
				return err
			}
			data, err := writer.Compose(sample, notice.SampleStamp())
			if err != nil {
				return err
			}
			return render.Letter(a.stdout, data, p.html, p.raw)
		},
	}
	p.flags(c)
	return c
}

func (a *app) mailSendCommand() *cobra.Command {
	var wait time.Duration
	c := &cobra.Command{
		Use: "send", Short: "deliver what is due",
		Long:    "Delivers the messages that are due, for up to --mail-wait.",
		Example: "  usher mail send\n  usher mail send --mail smtp://usher@mail.acme.example:587",
		Args:    wants(0, 0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return a.send(c.Context(), wait) },
	}
	mailWaitFlag(c, &wait)
	return c
}

func (a *app) send(ctx context.Context, wait time.Duration) error {
	transport, err := a.transport()
	if err != nil {
		return err
	}
	if transport == nil {
		return usage("--mail names where messages go", "with --mail none, nothing is sent")
	}
	if err := a.reading(ctx, func(*state.DB) error { return nil }); err != nil {
		return err
	}
	return a.own(ctx, "usher mail send", func(db *state.DB, owner *state.Owner) error {
		queued, err := db.Messages(ctx, state.MessageQuery{State: state.MessageQueued, Limit: 1})
		if err == nil && len(queued) == 0 {
			a.say("Nothing waits to be delivered.")
		}
		if err != nil {
			return err
		}
		return a.deliver(ctx, db, owner, transport, wait)
	})
}

// mailAgainCommand is retry and release: both queue messages again.
func (a *app) mailAgainCommand(name, short, request string, from state.MessageState) *cobra.Command {
	return &cobra.Command{
		Use: name + " ID…", Short: short,
		Long:    "Queues messages again that are " + string(from) + "; usher mail send, or the next apply, delivers them.",
		Example: "  usher mail list --only " + string(from) + "\n  usher mail " + name + " 12 13",
		Args:    wants(1, -1, "the numbers of messages"),
		RunE: func(c *cobra.Command, args []string) error {
			ids, err := messageIDs(args)
			if err != nil {
				return err
			}
			return a.again(c.Context(), "usher mail "+name, request, from, ids)
		},
	}
}

func (a *app) again(ctx context.Context, command, request string, from state.MessageState, ids []int64) error {
	err := a.reading(ctx, func(db *state.DB) error { return allAre(ctx, db, from, ids) })
	if err != nil {
		return err
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	_, err = a.orAsk(ctx, command, request, strings.Join(texts, ","), func(_ *state.DB, owner *state.Owner) error {
		n, err := owner.Requeue(ctx, ids...)
		if err == nil {
			a.say("Queued %s again; usher mail send delivers.", render.Count(n, "message", "messages"))
		}
		return err
	})
	return err
}

// allAre refuses messages that are in another state.
func allAre(ctx context.Context, db *state.DB, want state.MessageState, ids []int64) error {
	for _, id := range ids {
		m, err := db.Message(ctx, id)
		if err != nil {
			return hintError{err, "usher get mail lists the messages"}
		}
		if m.State != want {
			return usage("usher mail list --only "+string(want)+" shows those that are", "message %d is %s, not %s", id, m.State, want)
		}
	}
	return nil
}

func messageIDs(args []string) ([]int64, error) {
	ids := make([]int64, len(args))
	for i, text := range args {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return nil, usage("usher get mail lists the messages", "%q is not the number of a message", text)
		}
		ids[i] = id
	}
	return ids, nil
}
