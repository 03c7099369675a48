package mail

import (
	"slices"

	"usher/state"
)

// lanes are messages that wait, parted by address: those to one address go one
// after the other, in their order.
type lanes struct {
	byAddress map[string]*lane
	ready     []*lane // have a message that may go
	waiting   int     // messages
}

// lane are the messages to one address.
type lane struct {
	messages []state.Message
	busy     bool // one is on its way
}

// add adds messages behind those that wait.
func (l *lanes) add(ms []state.Message) {
	for _, m := range ms {
		at := l.byAddress[m.To]
		if at == nil {
			at = &lane{}
			l.byAddress[m.To] = at
		}
		at.messages = append(at.messages, m)
		if !at.busy && len(at.messages) == 1 {
			l.ready = append(l.ready, at)
		}
	}
	l.waiting += len(ms)
}

// next takes a message that may go; its lane waits for done.
func (l *lanes) next() (state.Message, bool) {
	if len(l.ready) == 0 {
		return state.Message{}, false
	}
	at := l.ready[0]
	l.ready = l.ready[1:]
	m := at.messages[0]
	at.messages, at.busy = at.messages[1:], true
	l.waiting--
	return m, true
}

// done lets the next message to the address go.
func (l *lanes) done(address string) {
	at := l.byAddress[address]
	at.busy = false
	if len(at.messages) == 0 {
		delete(l.byAddress, address)
		return
	}
	l.ready = append(l.ready, at)
}

// putBack puts a message that next gave before those behind it.
func (l *lanes) putBack(m state.Message) {
	at := l.byAddress[m.To]
	at.messages = slices.Insert(at.messages, 0, m)
	l.waiting++
	l.done(m.To)
}

// left are the ids of the messages that wait, in order.
func (l *lanes) left() []int64 {
	var ids []int64
	for _, at := range l.byAddress {
		for _, m := range at.messages {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
