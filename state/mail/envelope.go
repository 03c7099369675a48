package mail

import (
	"bytes"
	"context"
	"fmt"
)

// command is one of the commands that come before a message.
type command struct {
	line      string
	step      string // for people, in a failure
	want      int    // the reply code, or how it begins
	permanent Class  // what a 5xx means
}

// commands are those that say who writes to whom.
func (c *client) commands(s *session, to string, international bool) []command {
	mail := "MAIL FROM:<" + c.from + ">"
	if s.offers("8BITMIME") {
		mail += " BODY=8BITMIME"
	}
	if international {
		mail += " SMTPUTF8"
	}
	return []command{
		{mail, "sender " + c.from, 250, Paused},
		{"RCPT TO:<" + to + ">", "recipient", 25, Refused},
		{"DATA", "DATA", 354, Refused},
	}
}

// offers reports whether the server offers an extension.
func (s *session) offers(extension string) bool {
	offered, _ := s.smtp.Extension(extension)
	return offered
}

// envelope says who writes to whom: all at once where the server offers PIPELINING
// (RFC 2920), which spares waiting for two replies. It reports whether the server
// took MAIL.
func (c *client) envelope(ctx context.Context, s *session, to string, international bool) (begun bool, _ *Failure) {
	commands := c.commands(s, to, international)
	together := s.offers("PIPELINING")
	if together {
		c.allow(ctx, s, c.timeout)
		if err := s.say(commands...); err != nil {
			return false, failed(Again, commands[0].step, err)
		}
	}
	for i, command := range commands {
		c.allow(ctx, s, c.timeout)
		if !together {
			if err := s.say(command); err != nil {
				return i > 0, failed(Again, command.step, err)
			}
		}
		if _, _, err := s.smtp.Text.ReadResponse(command.want); err != nil {
			failure := byReply(command.step, err, command.permanent)
			if reply := code(err); together && reply != 0 && reply != 421 {
				c.refrain(ctx, s, commands[i+1:])
			}
			return i > 0, failure
		}
		s.dirty = true
	}
	return true, nil
}

// say writes commands, all in one go.
func (s *session) say(commands ...command) error {
	text := s.smtp.Text
	for _, c := range commands {
		if _, err := fmt.Fprintf(text.W, "%s\r\n", c.line); err != nil {
			return err
		}
	}
	return text.W.Flush()
}

// refrain hears the replies to the commands that were said behind one the server
// refused. Where it awaits the message all the same, an empty one to nobody ends that
// (RFC 2920, section 3.1). A session that does not come through is broken.
func (c *client) refrain(ctx context.Context, s *session, said []command) {
	for _, command := range said {
		c.allow(ctx, s, c.timeout)
		_, _, err := s.smtp.Text.ReadResponse(command.want)
		if err == nil && command.want == 354 {
			if err = s.smtp.Text.PrintfLine("."); err == nil {
				_, _, err = s.smtp.Text.ReadResponse(250)
			}
		}
		if err != nil && code(err) == 0 {
			s.broken = true
			return
		}
	}
}

// write writes the message and the final dot (RFC 5321, section 4.5.2), in one go
// where its lines end as they should.
func (s *session) write(data []byte) error {
	text := s.smtp.Text
	if !canonical(data) {
		w := text.DotWriter()
		if _, err := w.Write(data); err != nil {
			return err
		}
		return w.Close()
	}
	stuffed := bytes.ReplaceAll(data, []byte("\r\n."), []byte("\r\n.."))
	if _, err := text.W.Write(append(stuffed, ".\r\n"...)); err != nil {
		return err
	}
	return text.W.Flush()
}

// canonical reports whether each line ends in CRLF, no CR or LF stands elsewhere,
// and the first does not begin with a dot.
func canonical(data []byte) bool {
	lines := bytes.Count(data, []byte("\r\n"))
	return bytes.HasSuffix(data, []byte("\r\n")) && data[0] != '.' &&
		bytes.Count(data, []byte("\n")) == lines && bytes.Count(data, []byte("\r")) == lines
}
