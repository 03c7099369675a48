package reconciler

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"usher/spec"
	"usher/state"
)

// performCredits imports the usage of credits that a command left. What the import
// says may have changed since the command checked it, so it is read and checked
// again; where it is wrong now, nothing of it stays. One that is done already, by
// a controller that ended before it could answer, is not done again.
func (c *Controller) performCredits(ctx context.Context, owner *state.Owner, number string) error {
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not the number of an import of credits", number)
	}
	left, err := c.DB.CreditImport(ctx, id)
	if err != nil || !left.DoneAt.IsZero() {
		return err
	}
	lines, errs := spec.ParseUsage(left.File, []byte(left.Text), spec.DayOf(c.Now()))
	if err = errs.Err(); err == nil {
		_, err = owner.ImportCredits(ctx, left, lines)
	}
	if err != nil {
		return errors.Join(err, owner.DropCredits(ctx, id))
	}
	return nil
}
