package source

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Commit is one commit, as its object says; who signed it is another matter.
type Commit struct {
	ID        string
	Tree      string
	Parents   []string
	Author    Identity
	Committer Identity
	Subject   string
	Message   string
	Signature []byte // of the gpgsig header; nil: not signed
	Payload   []byte // what was signed: the object without that header
}

// Identity is who a commit names, and when. Nothing proves it.
type Identity struct {
	Name, Email string
	At          time.Time
}

// parseCommit reads a commit object. Signed bytes are reconstructed as git does:
// the object without the header lines of the signature.
func parseCommit(o object) (*Commit, error) {
	if o.kind != "commit" {
		return nil, fmt.Errorf("%s is a %s, not a commit", o.id, o.kind)
	}
	head, message, ok := bytes.Cut(o.data, []byte("\n\n"))
	if !ok {
		head, message = bytes.TrimSuffix(o.data, []byte("\n")), nil
	}
	c := &Commit{ID: o.id, Message: string(message)}
	c.Subject, _, _ = strings.Cut(c.Message, "\n")
	var payload bytes.Buffer
	const none, kept, skipped = 0, 1, 2
	signature := none // whether the line before was part of one
	for line := range bytes.Lines(append(head, '\n')) {
		key, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		switch {
		case key == "" && signature == kept: // a continued line begins with a blank
			c.Signature = append(c.Signature, value+"\n"...)
			continue
		case key == "" && signature == skipped:
			continue
		case key == signatureHeader(o.id):
			if c.Signature != nil {
				return nil, fmt.Errorf("commit %s has two signatures", o.id)
			}
			c.Signature, signature = []byte(value+"\n"), kept
			continue
		case key == "gpgsig" || key == "gpgsig-sha256":
			signature = skipped // of the same commit under the other hash
			continue
		}
		signature = none
		payload.Write(line)
		if err := c.header(key, value); err != nil {
			return nil, fmt.Errorf("commit %s: %w", o.id, err)
		}
	}
	payload.WriteString("\n")
	payload.Write(message)
	c.Payload = payload.Bytes()
	return c, nil
}

// signatureHeader is the header with the signature over an object of that id.
func signatureHeader(id string) string {
	if len(id) == 64 {
		return "gpgsig-sha256"
	}
	return "gpgsig"
}

func (c *Commit) header(key, value string) (err error) {
	switch key {
	case "tree":
		c.Tree = value
	case "parent":
		c.Parents = append(c.Parents, value)
	case "author":
		c.Author, err = parseIdentity(value)
	case "committer":
		c.Committer, err = parseIdentity(value)
	}
	return err
}

// parseIdentity reads "Name <email> seconds zone".
func parseIdentity(s string) (Identity, error) {
	name, rest, ok := strings.Cut(s, " <")
	email, when, closed := strings.Cut(rest, "> ")
	seconds, _, _ := strings.Cut(when, " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || !closed || err != nil {
		return Identity{}, fmt.Errorf("%q names nobody", s)
	}
	return Identity{Name: name, Email: email, At: time.Unix(at, 0).UTC()}, nil
}
