package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/spec"
	"usher/state"
)

// The API answers programs: JSON in the shapes of usher get, errors as problems
// (RFC 9457), by tokens alone. A cookie opens nothing of it, and a token no page. What
// it offers is described in openapi.json, which the tests hold against every route and
// every answer.
const apiPath = "/api/"

func (s *site) apiRoutes() []route {
	rows := []route{
		{method: http.MethodGet, pattern: "openapi.json", need: open, serve: s.openAPI},
		{method: http.MethodGet, pattern: "users", need: scoped(state.ScopeReadUsers), serve: s.answered(s.listUsers)},
		{method: http.MethodGet, pattern: "users/{user}", need: scoped(state.ScopeReadUsers), serve: s.answered(s.oneUser)},
		{method: http.MethodGet, pattern: "access", need: scoped(state.ScopeReadAccess), serve: s.answered(s.askAccess)},
		{method: http.MethodGet, pattern: "seats", need: scoped(state.ScopeReadSeats), serve: s.answered(s.listSeats)},
		{method: http.MethodGet, pattern: "revisions", need: scoped(state.ScopeReadRevisions), serve: s.answered(s.listRevisions)},
		{method: http.MethodGet, pattern: "revisions/{number}", need: scoped(state.ScopeReadRevisions), serve: s.answered(s.oneRevision)},
		{method: http.MethodGet, pattern: "credits", need: scoped(state.ScopeReadCredits), serve: s.answered(s.listCredits)},
		{method: http.MethodPost, pattern: "credits", need: scoped(state.ScopeWriteCredits), serve: s.answered(s.takeCredits), body: maxUsageBody},
		{method: http.MethodGet, pattern: "holds", need: scoped(state.ScopeReadHolds), serve: s.answered(s.listHolds)},
		{method: http.MethodGet, pattern: "holds/{plan}", need: scoped(state.ScopeReadHolds), serve: s.answered(s.oneHold)},
		{method: http.MethodPost, pattern: "holds/{plan}/approval", need: scoped(state.ScopeApproveHolds), serve: s.answered(s.approveHold)},
		{method: http.MethodPost, pattern: "plan", need: scoped(state.ScopePlan), serve: s.answered(s.planSent), body: source.MaxArchiveSent},
	}
	for i := range rows {
		scope := rows[i].need.scope
		rows[i].pattern = apiPath + "v1/" + rows[i].pattern
		rows[i].identify = s.bearer
		rows[i].refuse = func(w http.ResponseWriter, _ *http.Request, why refusal) {
			refuseAPI(w, scope, complaint{refusal: why})
		}
	}
	return rows
}

// complaint is a refusal with what a program is told of it.
type complaint struct {
	refusal
	kind   string         // of problem, such as "invalid-manifests"; "": what the status says
	detail string         // what of this request is wrong
	errors []problemError // each by itself, where there are several
}

// Unwrap is the refusal.
func (c complaint) Unwrap() error { return c.refusal }

// problem is how the API says that something is wrong (RFC 9457), and what to do.
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	Advice string         `json:"advice,omitempty"`
	Errors []problemError `json:"errors,omitempty"`
}

// problemError is one error of manifests, as usher validate -o json writes it, or of
// usage. Line counts from 1: of a file's lines, or of the items sent as JSON.
type problemError struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func problemErrors(errs spec.Errors) []problemError {
	list := make([]problemError, len(errs))
	for i, e := range errs {
		list[i] = problemError{e.File, e.Line, e.Column, e.Code, e.Message(), e.Hint}
	}
	return list
}

// What the API refuses, beside what [refusalOf] knows.
var (
	errNoToken   = refusal{http.StatusUnauthorized, "A token is missing", "Send the header Authorization: Bearer usher_…; usher token create makes one."}
	errBadToken  = refusal{http.StatusUnauthorized, "The token opens nothing", "It is not one of this usher's, or not whole; usher token list shows those that work."}
	errExpired   = refusal{http.StatusUnauthorized, "The token has expired", "usher token create makes another."}
	errRevoked   = refusal{http.StatusUnauthorized, "The token has been revoked", "usher token create makes another."}
	errScope     = refusal{http.StatusForbidden, "The token is not for this", "Make one with that scope: usher token create NAME --scope SCOPE."}
	errOften     = refusal{http.StatusTooManyRequests, "Too many requests", "Wait as long as Retry-After says, and ask for more at once: pages hold up to 200."}
	errBusy      = refusal{http.StatusServiceUnavailable, "Other plans are being made", "Try again as soon as Retry-After says."}
	errNothing   = refusal{http.StatusNotFound, "There is nothing there", "See " + apiPath + "v1/openapi.json for what there is."}
	errNoSuch    = refusal{http.StatusNotFound, "Not on record", "The list that it would be in shows what is."}
	errQuestion  = refusal{http.StatusBadRequest, "The question is not understood", "See " + apiPath + "v1/openapi.json for what can be asked."}
	errMediaType = refusal{http.StatusUnsupportedMediaType, "What was sent is of another kind", "See " + apiPath + "v1/openapi.json for what is taken."}
)

// asPage maps what pages say to what programs are told.
var asPage = map[refusal]refusal{errSignIn: errNoToken, errForbidden: errScope, errChoose: errNoToken, errNoPage: errNothing}

// refuseAPI writes a problem. scope is the one that the route needs.
func refuseAPI(w http.ResponseWriter, scope state.Scope, c complaint) {
	if why, ok := asPage[c.refusal]; ok {
		c.refusal = why
	}
	switch c.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", challenge(c, ""))
	case http.StatusForbidden:
		if c.detail == "" && scope != "" {
			c.detail = "it takes the scope " + string(scope)
			w.Header().Set("WWW-Authenticate", challenge(c, scope))
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	}
	p := problem{Type: "about:blank", Title: c.Title, Status: c.Status, Detail: c.detail, Advice: c.Advice, Errors: c.errors}
	if c.kind != "" {
		p.Type = "urn:usher:problem:" + c.kind
	}
	w.Header().Set("Cache-Control", "no-store")
	writeBody(w, c.Status, "application/problem+json", p)
}

// challenge is what RFC 6750, section 3, says of a request that was refused.
func challenge(c complaint, scope state.Scope) string {
	switch {
	case scope != "":
		return fmt.Sprintf(`Bearer realm="usher", error="insufficient_scope", scope=%q`, scope)
	case c.refusal == errNoToken:
		return `Bearer realm="usher"`
	}
	return `Bearer realm="usher", error="invalid_token"`
}

// patience is how long a program waits for its turn to have something planned, or for
// the loop to perform what it asks.
const patience = 10 * time.Second

// retryAfter is how many seconds a client is asked to wait.
const retryAfter = "5"

// answered makes a handler of what answers or returns an error.
func (s *site) answered(answer func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := answer(w, r)
		if err == nil {
			return
		}
		var c complaint
		switch {
		case errors.As(err, &c):
		case errors.Is(err, state.ErrNotFound):
			c.refusal = errNoSuch
		default:
			c.refusal = s.refusalOf(r, err)
		}
		refuseAPI(w, "", c)
	}
}

// unasked refuses a question for a reason of its own.
func unasked(format string, args ...any) error {
	return complaint{refusal: errQuestion, detail: fmt.Sprintf(format, args...)}
}

// parameters reads a query, which may hold each of some names once and nothing else:
// a mistyped filter must not widen what is answered.
func parameters(r *http.Request, names ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, unasked("the query cannot be read: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !slices.Contains(names, name) && spec.Nearest(name, names) != "":
			return nil, unasked("there is no parameter %q; did you mean %s?", name, spec.Nearest(name, names))
		case !slices.Contains(names, name):
			return nil, unasked("there is no parameter %q", name)
		case len(query[name]) > 1:
			return nil, unasked("%s is given more than once", name)
		}
	}
	return query, nil
}

// Bounds of a page of a list.
const (
	defaultItems = 50
	maxItems     = 200
)

func limitOf(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return defaultItems, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxItems {
		return 0, unasked("limit is from 1 to %d, not %q", maxItems, text)
	}
	return n, nil
}

// A cursor says where a list goes on. What it holds is nobody's business but the list's.
func cursorOf(position string) string {
	if position == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(position))
}

func positionOf(query url.Values) (string, error) {
	position, err := base64.RawURLEncoding.DecodeString(query.Get("cursor"))
	if err != nil {
		return "", errCursor
	}
	return string(position), nil
}

var errCursor = unasked("the cursor is none that a page before gave as next")

// listing is how every list is answered. Fields are only ever added.
type listing struct {
	Format   int    `json:"format"`         // 1
	Revision int64  `json:"revision"`       // the newest, as of which it is so
	Items    any    `json:"items"`          // in the shape of usher get
	Next     string `json:"next,omitempty"` // cursor of the page after this one
}

// list answers with a list, or the page of one that next follows.
func (s *site) list(w http.ResponseWriter, r *http.Request, l render.List, next string) error {
	head, err := s.DB.Head(r.Context())
	if err != nil {
		return err
	}
	return answerJSON(w, r, head.Newest.Number, listing{1, head.Newest.Number, l.Items, cursorOf(next)})
}

// answerJSON answers with JSON, or with 304 where the client has it already. Its tag
// is the revision, and a digest of the answer: days pass and accounts are activated
// without a revision.
func answerJSON(w http.ResponseWriter, r *http.Request, revision int64, v any) error {
	body, err := compact(v)
	if err != nil {
		return err
	}
	tag := fmt.Sprintf(`"%d-%x"`, revision, sha256.Sum256(body))[:1+len(strconv.FormatInt(revision, 10))+1+16] + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Authorization")
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	w.Write(body)
	return nil
}

// matches reports whether a header names the tag, weakly compared (RFC 9110, section 13.1.2).
func matches(values []string, tag string) bool {
	for _, known := range strings.Split(strings.Join(values, ","), ",") {
		if known = strings.TrimPrefix(strings.TrimSpace(known), "W/"); known == tag || known == "*" {
			return true
		}
	}
	return false
}

// compact is v as JSON, characters as they are.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	return b.Bytes(), nil
}

func writeBody(w http.ResponseWriter, status int, kind string, v any) {
	body, err := compact(v)
	if err != nil {
		body = nil // strings and numbers: it cannot be
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	w.Write(body)
}
