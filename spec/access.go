package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Grant is one person's access to one product under one contract during one
// span of days. Within a User grants are sorted by contract, product and span;
// spans of the same contract and product neither overlap nor touch, because
// what overlaps or touches has been merged into one.
type Grant struct {
	Contract string
	Product  string
	Span
	Reason  string   // the reasons given, distinct and sorted, joined by "; "
	Because []Origin // every manifest line it comes from, sorted
}

// accessItem is one entry of an access list: a product's name alone, or a mapping.
type accessItem struct {
	Product  text     `yaml:"product" validate:"required,resourcename" doc:"name of a Product; an item that says nothing else may be this name alone"`
	Contract text     `yaml:"contract" validate:"omitempty,resourcename" doc:"name of the Contract that pays; needed where several offer the product"`
	From     dayField `yaml:"from" doc:"first day, in UTC; left out: at once"`
	Until    dayField `yaml:"until" doc:"last day, in UTC; left out: without end"`
	Reason   text     `yaml:"reason" validate:"max=500,line" doc:"why; stands in their message and on record"`

	Line, Column int32
}

func (a *accessItem) decode(d *decoder, n *yaml.Node, field string) {
	a.Line, a.Column = int32(n.Line), int32(n.Column)
	switch n.Kind {
	case yaml.MappingNode:
		d.mapping(n, valueOf(a))
	case yaml.SequenceNode:
		d.failAt(n, "wrong-type", "%s: expected a product, or a mapping that names one, got a list", field)
	default:
		d.text(n, &a.Product, field)
	}
	if span := a.span(); span.Until < span.From {
		d.fail(int(a.Until.Line), int(a.Until.Column), "invalid-span", "access to %s ends on %s, before it begins on %s",
			a.Product.Value, span.Until, span.From)
	}
}

func (a *accessItem) span() Span {
	span := AllTime
	if a.From.Line > 0 {
		span.From = a.From.Day
	}
	if a.Until.Line > 0 {
		span.Until = a.Until.Day
	}
	return span
}

// mergeGrants sorts one person's grants and merges those of one product under
// one contract whose spans overlap or touch. It reuses the slice.
func mergeGrants(grants []Grant) []Grant {
	slices.SortFunc(grants, CompareGrants)
	merged := grants[:0]
	for _, g := range grants {
		if n := len(merged) - 1; n >= 0 && merged[n].joins(g) {
			merged[n] = merged[n].merge(g)
			continue
		}
		merged = append(merged, g)
	}
	return merged
}

// CompareGrants orders grants by contract, product and span, which is the order of
// a User's access and all that tells two of its grants apart.
func CompareGrants(a, b Grant) int {
	return cmp.Or(
		strings.Compare(a.Contract, b.Contract),
		strings.Compare(a.Product, b.Product),
		cmp.Compare(a.From, b.From),
		cmp.Compare(a.Until, b.Until),
	)
}

// compareDeclared orders grants of a manifest, each with a line of its own, so that
// the order they are written in says nothing.
func compareDeclared(a, b Grant) int {
	return cmp.Or(CompareGrants(a, b), strings.Compare(a.Reason, b.Reason), CompareOrigins(a.Because[0], b.Because[0]))
}

// joins reports whether a later grant overlaps or touches this one.
func (g Grant) joins(later Grant) bool {
	return g.Contract == later.Contract && g.Product == later.Product &&
		(g.Until == Forever || later.From <= g.Until+1)
}

func (g Grant) merge(later Grant) Grant {
	g.Until = max(g.Until, later.Until)
	g.Reason = mergeReasons(g.Reason, later.Reason)
	because := slices.Concat(g.Because, later.Because)
	slices.SortFunc(because, CompareOrigins)
	g.Because = slices.Compact(because)
	return g
}

const reasonSeparator = "; "

func mergeReasons(a, b string) string {
	if a == b || b == "" {
		return a
	}
	if a == "" {
		return b
	}
	all := append(strings.Split(a, reasonSeparator), strings.Split(b, reasonSeparator)...)
	slices.Sort(all)
	return strings.Join(slices.Compact(all), reasonSeparator)
}

// resolveAccess fills in what each team gives, and each person's access: the
// union of their own manifest and their teams'.
func (r *resolver) resolveAccess() {
	for i := range r.teams {
		t := &r.teams[i]
		given := r.grants(t.file, t.subject(), t.Spec.Access)
		slices.SortFunc(given, compareDeclared)
		r.roster.Teams[i].Access = given
	}
	for i := range r.users {
		u, person := &r.users[i], &r.roster.Users[i]
		parts := [][]Grant{r.grants(u.file, u.accessSubject(), u.Spec.Access)}
		for _, m := range r.memberOf[person.Name] {
			parts = append(parts, r.teamGrants(m))
		}
		person.Access = mergeGrants(slices.Concat(parts...))
	}
}

// grants resolves an access list. Items that do not resolve are reported and
// left out.
func (r *resolver) grants(file, subject string, items []accessItem) []Grant {
	if len(items) == 0 {
		return nil
	}
	grants := make([]Grant, 0, len(items))
	origins := make([]Origin, len(items))
	for i := range items {
		item := &items[i]
		contract, ok := r.contractOf(item, file, subject)
		if !ok {
			continue
		}
		origins[i] = Origin{File: file, Line: item.Line, Column: item.Column}
		grants = append(grants, Grant{
			Contract: contract, Product: item.Product.Value, Span: item.span(), Reason: item.Reason.Value,
			Because: origins[i : i+1 : i+1],
		})
	}
	return grants
}

// contractOf finds the contract that an item is to be given under: the one it
// names, or the only one that offers the product.
func (r *resolver) contractOf(item *accessItem, file, subject string) (string, bool) {
	product, named := item.Product.Value, item.Contract.Value
	if product == "" {
		return "", false // reported by Parse
	}
	offering := r.offering[product]
	at := Origin{File: file, Line: item.Line, Column: item.Column}
	switch {
	case r.roster.Product(product) == nil:
		r.unknown(at, "unknown-product", subject, "product", product, names(r.roster.Products))
	case named != "" && r.roster.Contract(named) == nil:
		r.unknown(item.Contract.at(file), "unknown-contract", subject, "contract", named, names(r.roster.Contracts))
	case named != "" && !slices.Contains(offering, named) && r.partial:
	case named != "" && !slices.Contains(offering, named):
		r.fail(item.Contract.at(file), "not-offered", subject, "contract %s does not offer %s", named, product).hint(offeredBy(offering))
	case named != "":
		return named, true
	case len(offering) == 0 && r.partial:
	case len(offering) == 0:
		r.fail(at, "not-offered", subject, "no contract offers %s", product).hint("add it to the products of a contract")
	case len(offering) > 1:
		r.fail(at, "ambiguous-contract", subject, "%s is offered by %d contracts, so the contract must be named", product, len(offering)).
			hint(fmt.Sprintf("write {product: %s, contract: %s}; offered by %s", product, offering[0], strings.Join(offering, ", ")))
	default:
		return offering[0], true
	}
	return "", false
}

func offeredBy(contracts []string) string {
	if len(contracts) == 0 {
		return "no contract offers it"
	}
	return "offered by " + strings.Join(contracts, ", ")
}

// teamGrants is what one membership gives. All members of a team by the same
// way share the origins.
func (r *resolver) teamGrants(m teamVia) []Grant {
	if grants, ok := r.byVia[m]; ok {
		return grants
	}
	t := &r.roster.Teams[m.team]
	via := "team " + t.Name
	if m.via != "" {
		via += " by way of team " + m.via
	}
	grants := slices.Clone(t.Access)
	for i := range grants {
		origin := grants[i].Because[0]
		origin.Via = via
		grants[i].Because = []Origin{origin}
	}
	r.byVia[m] = grants
	return grants
}
