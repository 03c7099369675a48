package reconciler

// Excerpts is how many revisions in a row were made from excerpts.
func (c *Controller) Excerpts() int { return c.memory.excerpts }
