package state

import "time"

// MessageState is where a message of the outbox stands.
type MessageState string

// The states of a message.
const (
	MessageQueued     MessageState = "queued"
	MessageSending    MessageState = "sending"    // handed to the transport, no answer yet
	MessageSent       MessageState = "sent"       // accepted
	MessageFailed     MessageState = "failed"     // given up
	MessageHeld       MessageState = "held"       // waits for a person
	MessageCancelled  MessageState = "cancelled"  // an invitation that was superseded, or whose account is gone
	MessageSuppressed MessageState = "suppressed" // recorded with mail switched off; never sent
)

// Message is one message of the outbox. Message-ID, date, recipient and bytes
// are fixed when it is queued, so that a copy sent again is the same message.
type Message struct {
	ID        int64
	MessageID string // without angle brackets, unique
	Kind      string
	To        string
	Subject   string
	Account   string // id of the account it is about; empty: none
	Revision  int64
	State     MessageState
	Attempts  int // deliveries that ended in an answer
	LastError string
	CreatedAt time.Time
	SentAt    time.Time
	NextAt    time.Time // not tried before
	Issue     int       // over 0: Body holds the placeholder of this invitation's given password
	Body      []byte    // RFC 5322 bytes, CRLF; only filled by DB.Message and Owner.Due
}

// MessageQuery narrows a list of messages; zero values do not narrow.
type MessageQuery struct {
	State    MessageState
	Account  string // id
	Revision int64
	Limit    int
}
