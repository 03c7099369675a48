package reconciler

import "context"

// Preview says what Apply would do if these were the manifests. It writes nothing,
// looks at no commits and at no contract information, and may be called whatever
// else the controller is doing. Where the manifests are invalid the error is a
// spec.Errors.
func (c *Controller) Preview(ctx context.Context, m *Manifests) (*Plan, error) {
	p := &Controller{
		DB: c.DB, Source: given{m}, Compose: c.Compose, Limits: c.Limits,
		Adopt: c.Adopt, Suppress: c.Suppress, Now: c.Now, From: c.From,
	}
	return p.Plan(ctx)
}

// given is manifests that were read already.
type given struct{ manifests *Manifests }

func (g given) Snapshot(context.Context) (*Manifests, error) { return g.manifests, nil }

func (g given) Settled(_ context.Context, first *Manifests) (*Manifests, error) { return first, nil }
