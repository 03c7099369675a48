package reconciler

import (
	"context"
	"os"

	"github.com/google/renameio/v2"

	"usher/spec"
	"usher/state"
)

// memory is what a controller remembers of the manifests applied last, so that an
// edit costs what it concerns. It outlives the controller in a file beside the state,
// as git's index does, and like that it is only a cache: whoever finds no such file,
// or one that is not whole or not of this program, this state and these manifests,
// reads and compares everybody.
type memory struct {
	register *spec.Register // nil: nothing
	of       remembered
	seal     string // that the state must still have, where another controller applied it; "": this one did
	kept     bool   // in the file
}

// remembered says what a memory is of.
type remembered struct {
	Build    string   // see Recollection
	Seal     string   // see state.Head: of this revision of this state and of no other
	Revision int64    // that applied the manifests
	Tree     Snapshot // the manifests
	Excerpts int      // revisions applied from excerpts since everybody was compared
	Heeded   []string // see Plan
}

// registerMark begins the file; remembered follows, then the register.
const registerMark = "usher register 1\n"

// remind has the controller remember what the one before it kept, if that is of what
// is applied now. It looks once: what it applies afterwards it remembers by itself.
func (c *Controller) remind(ctx context.Context) {
	if c.reminded || c.memory.register != nil {
		return
	}
	c.reminded = true
	content, err := os.ReadFile(c.Recollection.Register) // without a name there is none either
	if err != nil || c.Recollection.Build == "" {
		return
	}
	u, sealed := spec.Unseal(content, registerMark)
	if !sealed {
		return
	}
	var of remembered
	u.Into(&of)
	head, err := c.DB.Head(ctx)
	if err != nil || of.Build != c.Recollection.Build || of.Seal != head.Seal || of.Revision != head.Applied.Number || !sameTree(of.Tree, head.Applied) {
		return
	}
	register := spec.UnpackRegister(u)
	if !u.Whole() {
		return
	}
	c.memory = memory{register: register, of: of, seal: of.Seal, kept: true}
	if f, ok := c.Source.(Follower); ok {
		f.Recall(ctx, of.Tree, register)
	}
}

// remember keeps what is known of manifests that were applied, or that asked for
// nothing else than is true, by the plan p. revision is the one that applied them.
func (c *Controller) remember(x *comparison, p *Plan, revision int64) {
	switch m := &c.memory; {
	case x.draft != nil:
		x.draft.Keep()
		if revision != m.of.Revision || p.Revision != m.of.Tree {
			m.seal, m.kept = "", false
		}
		m.of.Revision, m.of.Tree, m.of.Heeded = revision, p.Revision, p.heeded
		m.of.Excerpts++
	case x.register != nil:
		*m = memory{register: x.register, of: remembered{Revision: revision, Tree: p.Revision, Heeded: p.heeded}}
		c.parsed.shed()
	default:
		*m = memory{}
	}
}

// keep writes what the controller remembers for the next one, if that is of what is
// applied now. That it cannot costs the next one some time and nothing else.
func (c *Controller) keep(head state.Head) {
	m := &c.memory
	if m.register == nil || m.kept || c.Recollection.Register == "" || m.of.Revision != head.Applied.Number || !sameTree(m.of.Tree, head.Applied) {
		return
	}
	if source, ok := c.Source.(Glancer); ok && source.Keep(m.of.Tree.Digest) != nil {
		return
	}
	m.of.Build, m.of.Seal = c.Recollection.Build, head.Seal
	b := m.register.Pack(spec.Pack([]byte(registerMark), m.of))
	m.kept = renameio.WriteFile(c.Recollection.Register, spec.Seal(b), 0o600) == nil
}
