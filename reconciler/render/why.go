package render

import (
	"fmt"
	"io"
	"strings"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// WhyFormats is how the chain behind a grant can be written.
var WhyFormats = Formats{Text, JSON}

// Chain is what stands behind one person's access to one product: the manifest
// lines, the commits that wrote them, the revision that gave it and its message.
type Chain struct {
	User     string
	Grant    spec.Grant
	Lines    []ChainLine
	Revision state.Revision // that gave the access, or last altered it
	Messages []state.Message
}

// ChainLine is one manifest line that asks for a grant, and where it comes from.
type ChainLine struct {
	Origin spec.Origin
	Commit *reconciler.Commit // nil: the manifests came from a folder
	Signer reconciler.Signer  // of the commit
	Name   string             // of the user whose key that is now; "" where it is nobody's
}

type chainItem struct {
	User     string          `json:"user"`
	Product  string          `json:"product"`
	Contract string          `json:"contract"`
	From     spec.Day        `json:"from"`
	Until    spec.Day        `json:"until"`
	Reason   string          `json:"reason,omitempty"`
	Lines    []chainLineItem `json:"lines"`
	Revision revisionItem    `json:"revision"`
	Messages []messageItem   `json:"messages"`
}

type chainLineItem struct {
	spec.Origin
	Commit      string `json:"commit,omitempty"`
	Subject     string `json:"subject,omitempty"`
	Author      string `json:"author,omitempty"`
	At          string `json:"at,omitempty"`
	Signer      string `json:"signer,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Problem     string `json:"problem,omitempty"`
}

// Why writes the chains behind what a person may use.
func Why(w io.Writer, chains []Chain, f Format) error {
	if f != JSON {
		var b strings.Builder
		for _, c := range chains {
			c.text(&b)
		}
		return write(w, b.String())
	}
	items := make([]chainItem, len(chains))
	for i, c := range chains {
		items[i] = c.item()
	}
	return writeJSON(w, List{Items: items}.envelope())
}

func (c Chain) item() chainItem {
	item := chainItem{
		User: c.User, Product: c.Grant.Product, Contract: c.Grant.Contract, From: c.Grant.From, Until: c.Grant.Until, Reason: c.Grant.Reason,
		Lines:    make([]chainLineItem, len(c.Lines)),
		Revision: Revisions([]state.Revision{c.Revision}).Items.([]revisionItem)[0],
		Messages: Messages(c.Messages).Items.([]messageItem),
	}
	for i, l := range c.Lines {
		line := chainLineItem{Origin: l.Origin, Signer: l.Name, Fingerprint: l.Signer.Fingerprint, Problem: l.Signer.Problem}
		if l.Commit != nil {
			line.Commit, line.Subject, line.Author, line.At = l.Commit.ID, l.Commit.Subject, l.Commit.Author.String(), moment(l.Commit.Author.At)
		}
		item.Lines[i] = line
	}
	return item
}

// text writes the chain from the line to the message.
func (c Chain) text(b *strings.Builder) {
	heading := c.User + " has " + c.Grant.Product + " under " + c.Grant.Contract
	if c.Grant.Span != spec.AllTime {
		heading += " " + c.Grant.Span.String()
	}
	if c.Grant.Reason != "" {
		heading += " (" + c.Grant.Reason + ")"
	}
	b.WriteString(visible(heading) + "\n")
	for _, l := range c.Lines {
		b.WriteString("  line      " + visible(Place(l.Origin)) + "\n")
		if l.Commit != nil {
			fmt.Fprintf(b, "  commit    %s  %s\n", l.Commit.ID, visible(l.Commit.Subject))
			fmt.Fprintf(b, "  author    %s, %s\n", visible(l.Commit.Author.String()), moment(l.Commit.Author.At))
			b.WriteString("  signer    " + visible(l.signer()) + "\n")
		}
	}
	if r := c.Revision; r.Number > 0 {
		fmt.Fprintf(b, "  revision  %d, %s, %s, %s\n", r.Number, moment(r.At), CauseWords(r), visible(By(r)))
	}
	for _, m := range c.Messages {
		fmt.Fprintf(b, "  message   %d, %s to %s: %s\n", m.ID, m.Kind, visible(m.To), visible(delivery(m)))
	}
	b.WriteString("\n")
}

func (l ChainLine) signer() string {
	switch {
	case l.Signer.Problem != "":
		return l.Signer.Problem
	case l.Name == "":
		return "nobody's key now, " + l.Signer.Fingerprint
	}
	return l.Name + ", " + l.Signer.Fingerprint
}

// delivery says where a message stands.
func delivery(m state.Message) string {
	switch {
	case !m.SentAt.IsZero():
		return string(m.State) + " at " + moment(m.SentAt)
	case m.LastError != "":
		return string(m.State) + ", " + m.LastError
	}
	return string(m.State)
}
