package render

import (
	"strconv"

	"usher/state"
)

// messageItem is a message of the outbox in JSON.
type messageItem struct {
	ID        int64              `json:"id"`
	MessageID string             `json:"messageId"`
	Kind      string             `json:"kind"`
	To        string             `json:"to"`
	Subject   string             `json:"subject"`
	State     state.MessageState `json:"state"`
	Attempts  int                `json:"attempts"`
	LastError string             `json:"lastError"`
	Revision  int64              `json:"revision"`
	CreatedAt string             `json:"createdAt"`
	SentAt    string             `json:"sentAt"`
}

// Messages lists messages of the outbox.
func Messages(list []state.Message) List {
	items, rows := make([]messageItem, len(list)), make([][]string, len(list))
	for i, m := range list {
		items[i] = messageItem{m.ID, m.MessageID, m.Kind, m.To, m.Subject, m.State, m.Attempts, m.LastError, m.Revision, moment(m.CreatedAt), moment(m.SentAt)}
		rows[i] = []string{strconv.FormatInt(m.ID, 10), string(m.State), m.Kind, m.To, m.Subject, strconv.FormatInt(m.Revision, 10), m.LastError}
	}
	return List{[]string{"id", "state", "kind", "to", "subject", "revision", "last error"}, rows, items}
}
