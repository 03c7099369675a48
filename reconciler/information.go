package reconciler

import (
	"context"
	"fmt"
	"sync"

	"usher/spec"
	"usher/state"
)

// Information reads contract information for whoever may see it, which is each
// contract's manager alone (DOMAIN.md row 5). Nothing of it is kept anywhere but in
// memory. It may be used from several goroutines.
type Information struct {
	db     *state.DB
	source Source

	mu     sync.Mutex
	parsed parsedTree
}

// NewInformation reads from a source of its own: one that a controller reads from
// cannot be shared.
func NewInformation(db *state.DB, private Source) *Information {
	return &Information{db: db, source: private, parsed: parsedTree{parse: parsePrivate}}
}

// Of returns the information of a contract, nil where none is declared. Where any of
// it has errors the error says no more than that, because their words would quote
// what belongs to other contracts, too.
func (i *Information) Of(ctx context.Context, contract string) (*spec.ContractInformation, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	m, err := i.source.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading contract information: %w", err)
	}
	catalogue, err := i.db.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	files, errs := i.parsed.files(m.Files)
	all, more := spec.ResolveInformation(files, catalogue.Roster)
	if wrong := len(errs) + len(more); wrong > 0 {
		return nil, fmt.Errorf("reading contract information: %d errors; usher validate --private shows them", wrong)
	}
	for n := range all {
		if all[n].Contract == contract {
			return &all[n], nil
		}
	}
	return nil, nil
}
