package reconciler

// Excerpt reports whether the plan was made of those alone whom an edit concerns.
func (p *Plan) Excerpt() bool { return p.census != nil }

// Excerpts is how many revisions in a row were made from excerpts.
func (c *Controller) Excerpts() int { return c.memory.of.Excerpts }

// Identify sets the id of a plan as Diff does, last of all.
func Identify(p *Plan) { p.identify() }
