package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"usher/spec"
)

//go:embed templates/*.html templates/pieces/*.html
var templateFiles embed.FS

// layoutFile is what every page stands in; a page's own file defines "main", and
// whatever pieces of it are also sent alone. Pieces that several pages use are
// among the pieces.
const (
	layoutFile = "templates/layout.html"
	pieceFiles = "templates/pieces/*.html"
)

// loadTemplates gives every page by the name of its file, without ".html".
func loadTemplates(static *static) (map[string]*template.Template, error) {
	layout, err := template.New("layout.html").Funcs(words(static)).ParseFS(templateFiles, layoutFile, pieceFiles)
	if err != nil {
		return nil, fmt.Errorf("reading the layout of pages: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		if name == layoutFile {
			continue
		}
		set, err := layout.Clone()
		if err == nil {
			set, err = set.ParseFS(templateFiles, name)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the template of a page: %w", err)
		}
		pages[strings.TrimSuffix(path.Base(name), ".html")] = set
	}
	return pages, nil
}

// words are the functions of templates.
func words(static *static) template.FuncMap {
	return template.FuncMap{
		"static": static.path,
		"day":    dayInWords,
		"moment": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

// dayInWords writes a day, "" for the ends of time.
func dayInWords(d spec.Day) string {
	if d == spec.Always || d == spec.Forever {
		return ""
	}
	return d.Start().Format("2 January 2006")
}

// page is what the layout is filled with.
type page struct {
	Title  string
	Viewer viewer
	Menu   []menuEntry
	Again  bool   // a form that comes back, because it cannot be carried out as it is
	Notice string // said once, on top: "The message is on its way."
	Data   any    // what the page's own template is filled with
}

// menuEntry is one line of the menu on the left (DOMAIN.md row 23).
type menuEntry struct {
	Title, Path string
	Here        bool
}

// render writes a page: the template's name is that of its file without ".html".
// Nothing is sent before all of it is made, so an error never leaves half a page.
func (s *site) render(w http.ResponseWriter, r *http.Request, name, title string, data any) {
	s.renderStatus(w, r, http.StatusOK, name, title, data)
}

// renderStatus is render with a status other than 200, for a form that comes back
// with what is wrong (422).
func (s *site) renderStatus(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	p := page{Title: title, Viewer: viewerOf(r), Menu: s.menu(r), Data: data}
	p.Again = status == http.StatusUnprocessableEntity || status == http.StatusTooManyRequests
	if p.Viewer.kind != anonymous {
		p.Notice = s.sessions.PopString(r.Context(), noticeKey)
	}
	s.execute(w, r, status, name, p)
}

func (s *site) execute(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	var b bytes.Buffer
	set := s.templates[name]
	if set == nil {
		s.fail(w, r, fmt.Errorf("there is no template of the name %s", name))
		return
	}
	if err := set.ExecuteTemplate(&b, "layout.html", p); err != nil {
		s.fail(w, r, fmt.Errorf("filling in page %s: %w", name, err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	b.WriteTo(w)
}

// menu is what the viewer may open, and nothing else.
func (s *site) menu(r *http.Request) []menuEntry {
	var entries []menuEntry
	for _, row := range s.routes {
		if row.menu == "" || viewerOf(r).kind != member || !allowed(viewerOf(r), row.need, "") {
			continue
		}
		here := r.URL.Path == row.pattern || strings.HasPrefix(r.URL.Path, row.pattern+"/")
		entries = append(entries, menuEntry{Title: row.menu, Path: row.pattern, Here: here})
	}
	return entries
}

// fail answers with what an error means to the viewer. A [refusal] says so itself;
// any other error is logged and shown as our fault.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.refusePage(w, r, s.refusalOf(r, err))
}

// refusePage shows a refusal. Who has not signed in is led to where they can, and
// back again afterwards.
func (s *site) refusePage(w http.ResponseWriter, r *http.Request, why refusal) {
	switch {
	case s.templates == nil:
		plain(w)
		w.WriteHeader(why.Status)
		fmt.Fprintln(w, strings.ToLower(why.Title))
		return
	case why == errSignIn:
		s.lead(w, r, signInPath+"?next="+url.QueryEscape(nextOf(r)))
		return
	case why == errChoose:
		s.lead(w, r, choosePath)
		return
	}
	var b bytes.Buffer
	p := page{Title: why.Title, Viewer: viewerOf(r), Menu: s.menu(r), Data: why}
	if err := s.templates["refusal"].ExecuteTemplate(&b, "layout.html", p); err != nil {
		s.Log.Error("filling in page refusal", "error", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(why.Status)
	b.WriteTo(w)
}

// nextOf is where to go after signing in: the page that was asked for, if it was
// only looked at.
func nextOf(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "/"
	}
	return r.URL.RequestURI()
}

// lead sends the browser to another page of ours, a whole page even where a script
// asked for a piece.
func (s *site) lead(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// leadSaying is lead with a notice on top of the page that follows. It is for
// whoever has signed in: nobody else has a session to keep it in.
func (s *site) leadSaying(w http.ResponseWriter, r *http.Request, to, notice string) {
	s.sessions.Put(r.Context(), noticeKey, notice)
	s.lead(w, r, to)
}

// form reads the fields of a form; what it refuses is answered.
func (s *site) form(w http.ResponseWriter, r *http.Request) bool {
	err := r.ParseForm()
	if err == nil {
		return true
	}
	why := s.refusalOf(r, err)
	if why != errTooLarge {
		why = errForm
	}
	s.refusePage(w, r, why)
	return false
}

// paging leads from one page of a list to the next.
type paging struct {
	First string // address of the first page; empty on it
	Next  string // of the page after this one; empty on the last
}

// pagingOf keeps what the list is asked for and goes on after a position, which is
// the list's own to read; "" for the last page.
func pagingOf(r *http.Request, after string) paging {
	var p paging
	query := r.URL.Query()
	if query.Has(afterField) {
		query.Del(afterField)
		p.First = addressOf(r.URL.Path, query)
	}
	if after != "" {
		query.Set(afterField, after)
		p.Next = addressOf(r.URL.Path, query)
	}
	return p
}

// afterField is the field of an address that says after which position a list goes on.
const afterField = "after"

func addressOf(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
