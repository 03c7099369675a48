package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"usher/reconciler"
)

// objects lists the contracts, products and teams that change.
func (t *page) objects(p *reconciler.Plan) {
	for _, k := range []struct {
		kind    reconciler.Kind
		heading string
		many    string
	}{
		{reconciler.KindContract, "Contracts", "contracts"},
		{reconciler.KindProduct, "Products", "products"},
		{reconciler.KindTeam, "Teams", "teams"},
	} {
		those := ofKind(p, k.kind)
		if len(those) == 0 {
			continue
		}
		t.section(k.heading)
		shown := t.limit(len(those), foldObjects)
		for _, c := range those[:shown] {
			t.object(c, t.full || len(those) <= foldNew || c.Action != reconciler.Add)
		}
		t.rest("  ", len(those)-shown, string(k.kind), k.many)
	}
}

func ofKind(p *reconciler.Plan, kind reconciler.Kind) []reconciler.Change {
	var list []reconciler.Change
	for _, c := range p.Changes {
		if c.Kind == kind {
			list = append(list, c)
		}
	}
	return list
}

// How much of contracts, products and teams is listed.
const (
	foldNew      = 15 // new ones of a kind; of more than that only the names are told
	foldFields   = 12 // values of one
	foldElements = 12 // elements of a list that all come or all go
)

// object shows one contract, product or team: of a new one its values, if
// values is true; of a changed one what differs; of a removed one nothing but
// that it goes.
func (t *page) object(c reconciler.Change, values bool) {
	sign := signOf(c.Action)
	head := sign + " " + c.Subject
	if c.Action == reconciler.Rename {
		head += "  " + lifeWord(c)
	}
	t.line("  " + t.sign(sign, head) + t.origins(c.Because))
	if c.Action == reconciler.Remove || !values {
		return
	}
	texts := objectValues(c, t.limit(len(c.Fields), foldElements))
	shown := t.limit(len(texts), foldFields)
	for _, text := range texts[:shown] {
		t.line("      " + text)
	}
	t.rest("      ", len(texts)-shown, "value", "values")
}

// objectValues is what a contract, product or team has or what differs, a text
// each; the elements of a list that all come or all go share one:
// "members: ada, grace". Of a longer list than most the rest is counted.
func objectValues(c reconciler.Change, most int) []string {
	var texts []string
	last, elements := "", 0
	for _, f := range c.Fields {
		side := f.Name + ": " + fieldSign(c, f)
		value := shorten(f.From+f.To, longValue)
		switch {
		case f.From != "" && f.To != "":
			texts = append(countRest(texts, elements-most), fieldText(f))
			last, elements = "", 0
		case side == last:
			if elements++; elements <= most {
				texts[len(texts)-1] += ", " + value
			}
		default:
			texts = countRest(texts, elements-most)
			texts, last, elements = append(texts, side+value), side, 1
		}
	}
	return countRest(texts, elements-most)
}

// countRest says of the last text how many elements it leaves out, if any.
func countRest(texts []string, left int) []string {
	if left > 0 {
		texts[len(texts)-1] += fmt.Sprintf(" and %d more", left)
	}
	return texts
}

// fieldSign is left out where the whole object is new.
func fieldSign(c reconciler.Change, f reconciler.Field) string {
	switch {
	case c.Action == reconciler.Add:
		return ""
	case f.From == "":
		return "+ "
	}
	return "- "
}

// offer counts what happens to one product under one contract.
type offer struct {
	contract, product string
	changes           int
	bySign            map[string]int
}

// byOffer groups changes of access by product and contract, the most changed first.
func byOffer(list []*person) []*offer {
	known := map[[2]string]*offer{}
	var sorted []*offer
	for _, one := range list {
		for _, c := range one.access {
			key := [2]string{c.Contract, c.Product}
			if known[key] == nil {
				known[key] = &offer{contract: c.Contract, product: c.Product, bySign: map[string]int{}}
				sorted = append(sorted, known[key])
			}
			known[key].changes++
			known[key].bySign[signOf(c.Action)]++
		}
	}
	slices.SortFunc(sorted, func(a, b *offer) int {
		return cmp.Or(cmp.Compare(b.changes, a.changes),
			strings.Compare(a.contract, b.contract), strings.Compare(a.product, b.product))
	})
	return sorted
}

// offers counts changes of access by product and contract.
func (t *page) offers(list []*person) {
	sorted := byOffer(list)
	if len(sorted) == 0 {
		return
	}
	t.section("Access")
	shown := t.limit(len(sorted), foldSeats)
	rows := make([][]string, shown)
	for i, o := range sorted[:shown] {
		rows[i] = []string{o.product, "under " + o.contract, tally(o.bySign)}
	}
	for _, line := range columns("  ", rows) {
		t.line(line)
	}
	t.rest("  ", len(sorted)-shown, "product", "products")
}

// seats shows use before and after of each offer whose use changes.
func (t *page) seats(p *reconciler.Plan) {
	if len(p.Seats) == 0 {
		return
	}
	t.section("Seats")
	shown := t.limit(len(p.Seats), foldSeats)
	rows := make([][]string, shown)
	for i, s := range p.Seats[:shown] {
		rows[i] = []string{s.Product, "under " + s.Contract, seatWords(s)}
	}
	for _, line := range columns("  ", rows) {
		t.line(line)
	}
	t.rest("  ", len(p.Seats)-shown, "product", "products")
}

// seatWords is "8 → 10 of 10, none free" or "3 → 4".
func seatWords(s reconciler.Seats) string {
	words := fmt.Sprintf("%d → %d", s.Before, s.After)
	if s.Of == nil {
		return words
	}
	words += fmt.Sprintf(" of %d", *s.Of)
	if s.After >= *s.Of {
		words += ", none free"
	}
	return words
}

// messages lists who will be written to, after a count by kind.
func (t *page) messages(p *reconciler.Plan) {
	if len(p.Mail) == 0 {
		return
	}
	t.section("Messages")
	t.line("  " + mailCounts(p.Mail))
	shown := t.limit(len(p.Mail), foldMessages)
	rows := make([][]string, shown)
	for i, n := range p.Mail[:shown] {
		rows[i] = []string{n.To, n.Subject}
	}
	for _, line := range columns("    ", rows) {
		t.line(line)
	}
	t.rest("    ", len(p.Mail)-shown, "message", "messages")
}

// noticeWords names messages of a kind: one, many.
var noticeWords = map[reconciler.NoticeKind][2]string{
	reconciler.NoticeInvitation: {"invitation", "invitations"},
	reconciler.NoticeRemoved:    {"removal", "removals"},
	reconciler.NoticeSuspended:  {"suspension", "suspensions"},
	reconciler.NoticeRestored:   {"restoration", "restorations"},
	reconciler.NoticeReturned:   {"return", "returns"},
	reconciler.NoticeEmail:      {"change of address", "changes of address"},
	reconciler.NoticeEmailOld:   {"change to an old address", "changes to old addresses"},
	reconciler.NoticeAccess:     {"change of access", "changes of access"},
	reconciler.NoticeRole:       {"change of role", "changes of role"},
	reconciler.NoticeSteward:    {"report to a contract manager", "reports to contract managers"},
}

// mailCounts is "3 messages: 2 invitations, 1 change of access".
func mailCounts(mail []reconciler.Mail) string {
	counts := map[reconciler.NoticeKind]int{}
	var order []reconciler.NoticeKind
	for _, n := range mail {
		if counts[n.Kind] == 0 {
			order = append(order, n.Kind)
		}
		counts[n.Kind]++
	}
	slices.SortStableFunc(order, func(a, b reconciler.NoticeKind) int { return cmp.Compare(counts[b], counts[a]) })
	parts := make([]string, len(order))
	for i, kind := range order {
		words, ok := noticeWords[kind]
		if !ok {
			words = [2]string{string(kind), string(kind)}
		}
		parts[i] = Count(counts[kind], words[0], words[1])
	}
	return Count(len(mail), "message", "messages") + ": " + strings.Join(parts, ", ")
}

func (t *page) notes(p *reconciler.Plan) {
	if len(p.Notes) == 0 {
		return
	}
	t.section("Notes")
	shown := t.limit(len(p.Notes), foldNotes)
	for _, n := range p.Notes[:shown] {
		t.line("  " + noteText(n))
	}
	t.rest("  ", len(p.Notes)-shown, "note", "notes")
}

func noteText(n reconciler.Note) string {
	if n.File == "" {
		return n.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", n.File, n.Line, n.Column, n.Message)
}

// held says what holds the plan back and what lets it through.
func (t *page) held(p *reconciler.Plan) {
	if len(p.Held) == 0 {
		return
	}
	t.section("Held")
	t.line("  " + heldWords(p))
	shown := t.limit(len(p.Held), foldHeld)
	for _, h := range p.Held[:shown] {
		t.line("  " + t.warn("! "+h.Message))
	}
	t.rest("  ", len(p.Held)-shown, "rule", "rules")
	if p.Approved {
		return
	}
	for _, release := range releases(p) {
		if strings.HasPrefix(release, "usher ") {
			release += t.flags
		}
		t.line("  " + t.title("To let it through: ") + release)
	}
}

// heldWords says what being held means, and whether it still is.
func heldWords(p *reconciler.Plan) string {
	if p.Approved {
		return "Approved: somebody let this plan through, in spite of what held it."
	}
	if p.Base != nil {
		return "Merged as it is, nothing would be changed and nobody written to until somebody lets it through."
	}
	return "Nothing is changed and nobody written to until somebody lets this plan through."
}

// releases is the distinct ways out of a held plan, in the order of the rules.
func releases(p *reconciler.Plan) []string {
	var list []string
	for _, h := range p.Held {
		if h.Release != "" && !slices.Contains(list, h.Release) {
			list = append(list, h.Release)
		}
	}
	if len(list) == 0 && len(p.Held) > 0 {
		list = []string{"usher approve " + ShortID(p.ID)}
	}
	return list
}
