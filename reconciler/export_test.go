package reconciler

// Excerpts is how many revisions in a row were made from excerpts.
func (c *Controller) Excerpts() int { return c.memory.excerpts }

// Identify sets the id of a plan as Diff does, last of all.
func Identify(p *Plan) { p.identify() }
