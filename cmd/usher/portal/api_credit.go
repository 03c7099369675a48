package portal

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"usher/reconciler/render"
	"usher/spec"
	"usher/state"
)

// maxUsageBody is how many bytes of usage may be sent: as JSON it takes twice what it
// takes as CSV.
const maxUsageBody = 2 * spec.MaxUsageFile

// listCredits answers with the credits of each contract, or by user or month, as
// usher credits list does.
func (s *site) listCredits(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "contract", "by")
	if err != nil {
		return err
	}
	by := query.Get("by")
	q := state.CreditQuery{Contract: query.Get("contract"), PerAccount: by == "user", PerMonth: by == "month"}
	totals, err := s.DB.Credits(r.Context(), q)
	if err != nil {
		return err
	}
	var l render.List
	switch by {
	case "", "contract", "month":
		l, err = s.creditsOfContracts(r, q, totals)
	case "user":
		l, err = s.creditsOfUsers(r, totals)
	default:
		return unasked("by is contract, user or month, not %q", by)
	}
	if err != nil {
		return err
	}
	return s.list(w, r, l, "")
}

func (s *site) creditsOfContracts(r *http.Request, q state.CreditQuery, totals []state.CreditTotal) (render.List, error) {
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		return render.List{}, err
	}
	roster := catalogue.Roster
	if q.Contract != "" {
		only := &spec.Roster{}
		if c := roster.Contract(q.Contract); c != nil {
			only.Contracts = []spec.Contract{*c}
		}
		roster = only
	}
	t := &state.Truth{Roster: roster}
	if q.PerMonth {
		return render.CreditsByMonth(t, totals), nil
	}
	return render.Credits(t, totals, spec.DayOf(s.Now())), nil
}

func (s *site) creditsOfUsers(r *http.Request, totals []state.CreditTotal) (render.List, error) {
	t, err := s.DB.Truth(r.Context())
	if err != nil {
		return render.List{}, err
	}
	removed, err := s.DB.RemovedAccounts(r.Context())
	return render.CreditsByUser(t, removed, totals), err
}

// imported is what became of usage that was sent.
type imported struct {
	Format  int `json:"format"`
	Lines   int `json:"lines"`
	Added   int `json:"added"`   // were not on record before
	Changed int `json:"changed"` // say another amount than the record did
	Same    int `json:"same"`
}

// takeCredits records usage, all lines or none, with the checks of usher credits
// import. A line says the amount of a contract, person and day, whatever was on record
// before: sending it again changes nothing.
func (s *site) takeCredits(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	text, offset, err := usageOf(r)
	if err != nil {
		return err
	}
	lines, errs := spec.ParseUsage(usageName, text, spec.DayOf(s.Now()))
	var done state.CreditImport
	if errs == nil {
		done, err = s.Owner.ImportCredits(r.Context(), state.CreditImport{File: usageName, By: viewerOf(r).Name()}, lines)
		if err != nil && !errors.As(err, &errs) {
			return err
		}
	}
	if errs != nil {
		return complaint{refusal: errUsage, kind: "invalid-usage", detail: "nothing was recorded", errors: usageErrors(errs, offset)}
	}
	writeBody(w, http.StatusOK, "application/json", imported{1, len(lines), done.Added, done.Changed, done.Same})
	return nil
}

// usageName is what usage that was sent is called on record.
const usageName = "api"

var errUsage = refusal{http.StatusUnprocessableEntity, "The usage has errors", "Mend what errors lists, and send all of it again."}

// usageErrors are those of the lines, counted as they were sent.
func usageErrors(errs spec.Errors, offset int) []problemError {
	list := problemErrors(errs)
	for i := range list {
		list[i].File = ""
		if list[i].Line > 0 {
			list[i].Line -= offset
		}
		if offset > 0 {
			list[i].Column = 0 // of a CSV that nobody sent
		}
	}
	return list
}

// usageOf reads usage as CSV: the file of usher credits import, or made from JSON.
// offset is by how much lines in it are ahead of the items that were sent.
func usageOf(r *http.Request) (text []byte, offset int, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Encoding") != "" {
		return nil, 0, complaint{refusal: errMediaType, detail: "usage is taken without a content coding"}
	}
	switch kind {
	case "text/csv":
		text, err := io.ReadAll(r.Body)
		return text, 0, err
	case "application/json":
		text, err := usageFromJSON(r.Body)
		return text, 1, err
	}
	return nil, 0, complaint{refusal: errMediaType, detail: "usage is text/csv or application/json"}
}

// usageItem is one line of usage in JSON.
type usageItem struct {
	Contract string      `json:"contract"`
	User     string      `json:"user"`
	Day      string      `json:"day"`
	Credits  json.Number `json:"credits"`
}

// usageFromJSON writes {"items":[…]} as CSV, a line an item, for the one reader of usage.
func usageFromJSON(body io.Reader) ([]byte, error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var sent struct {
		Items []usageItem `json:"items"`
	}
	if err := d.Decode(&sent); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return nil, err
		}
		return nil, unasked(`usage is {"items":[{"contract":…,"user":…,"day":…,"credits":…}]}: %v`, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, unasked("there is more after the usage")
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"contract", "user", "day", "credits"})
	for i, item := range sent.Items {
		cells := []string{item.Contract, item.User, item.Day, item.Credits.String()}
		if strings.ContainsFunc(strings.Join(cells, ""), unicode.IsControl) || strings.Join(cells, "") == "" {
			return nil, complaint{refusal: errUsage, kind: "invalid-usage", detail: "nothing was recorded", errors: []problemError{{
				Line: i + 1, Code: "invalid-item", Message: "it is empty, or holds a control character",
			}}}
		}
		w.Write(cells)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("reading usage: %w", err)
	}
	return b.Bytes(), nil
}
