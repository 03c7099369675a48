package portal

import (
	"context"
	"net/http"
	"time"
)

// answerTime is how long a page waits for the controller to do what it is asked,
// which it does within a second where it watches.
const answerTime = 3 * time.Second

// ask leaves a request for the controller that holds the state, in the name of the
// viewer, and reports whether it was done within a while. What could not be done is
// a refusal with the controller's reason.
func (s *site) ask(ctx context.Context, kind, argument string) (done bool, err error) {
	id, err := s.DB.Ask(ctx, kind, argument, nameIn(ctx))
	if err != nil {
		return false, err
	}
	until := time.NewTimer(answerTime)
	defer until.Stop()
	for {
		answered, err := s.DB.Request(ctx, id)
		switch {
		case err != nil:
			return false, err
		case !answered.DoneAt.IsZero() && answered.Result != "":
			return false, refusal{http.StatusConflict, "That could not be done", answered.Result}
		case !answered.DoneAt.IsZero():
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-until.C:
			return false, nil
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// nameIn is who asks, for the record.
func nameIn(ctx context.Context) string {
	who, _ := ctx.Value(viewerKey{}).(viewer)
	return who.Name()
}
