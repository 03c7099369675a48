package reconciler

// pace tells how far the writing of a plan has come.
type pace struct {
	tell        func(done, total int)
	done, total int
}

// paceOf is nil where nobody looks. What changes about a person is gone through
// three times, every other change twice, and each message once: see writer.
func (c *Controller) paceOf(p *Plan) *pace {
	if c.Progress == nil {
		return nil
	}
	total := len(p.Mail)
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
