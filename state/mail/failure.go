package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"unicode"
)

// Class is what a failed delivery means for the message and the queue.
type Class int

// The classes (RELIABILITY.md, "Mail").
const (
	// Again is a failure that time may cure: 4xx, the network, TLS.
	Again Class = iota + 1
	// Refused is a 5xx on the recipient or the message: trying again is no use.
	Refused
	// Paused is a refusal of us, not of the message: 5xx on AUTH or MAIL FROM. The
	// queue stops and no attempt is counted against any message.
	Paused
	// Unsure is a reply lost after the final dot: the message may have arrived.
	Unsure
)

// String names the class as logs and tests write it.
func (c Class) String() string {
	switch c {
	case Again:
		return "again"
	case Refused:
		return "refused"
	case Paused:
		return "paused"
	case Unsure:
		return "unsure"
	default:
		return "unknown"
	}
}

// Failure is why a message was not delivered, or is not known to have been.
type Failure struct {
	Class  Class
	Reason string // for people: "recipient: 550 no such user"
	Err    error  // the cause; nil where the reason is ours
}

// Error is the reason.
func (f *Failure) Error() string { return f.Reason }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// failed makes a Failure of err, which happened while doing step.
func failed(class Class, step string, err error) *Failure {
	return &Failure{Class: class, Reason: step + ": " + words(err), Err: err}
}

// longestReason is how much of a server's words is kept, in bytes.
const longestReason = 300

// words are those of the error, a server's reply as the server wrote it: on one
// line, without control characters, which a terminal might obey.
func words(err error) string {
	text := err.Error()
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		text = fmt.Sprintf("%d %s", reply.Code, reply.Msg)
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + "…"
	}
	return text
}

// code is the server's reply code in err, 0 where the failure was no reply.
func code(err error) int {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return reply.Code
	}
	return 0
}

// byReply classifies the failure of a step before the final dot: a permanent
// reply is what permanent says, all else passes with time.
func byReply(step string, err error, permanent Class) *Failure {
	if code(err)/100 == 5 {
		return failed(permanent, step, err)
	}
	return failed(Again, step, err)
}
