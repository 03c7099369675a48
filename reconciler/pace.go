package reconciler

// pace tells how far the writing of a plan has come.
type pace struct {
	tell        func(done, total int)
	done, total int
}

// messageSteps is how many steps a message counts for: it takes about as long to
// compose and store as so many changes, and the time left is to be told.
const messageSteps = 10

// paceOf is nil where nobody looks. What changes about a person is gone through
// three times, every other change twice, and each message once: see writer.
func (c *Controller) paceOf(p *Plan) *pace {
	if c.Progress == nil {
		return nil
	}
	total := messageSteps * len(p.Mail)
	for i := range p.Changes {
		total += 2
		if p.Changes[i].Kind == KindUser {
			total++
		}
	}
	return &pace{tell: c.Progress, total: total}
}

// step says that so much more is done.
func (p *pace) step(n int) {
	if p != nil {
		p.done += n
		p.tell(p.done, p.total)
	}
}
