package portal

import (
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"
)

// gallery is pages that the portal answered with, to be looked at. It knows which
// branches of the templates each of them took, so that it can say which branch nobody
// has looked at, and needs no second page that took the same ones.
type gallery struct {
	*testing.T
	all   map[string]bool // every branch; whether a page in the gallery took it
	taken map[string]bool // by the page that is being made
	kept  map[string]bool // the branches of each page, as one word
	pages []exhibit
}

// exhibit is one page as it was answered.
type exhibit struct {
	name string
	*reply
}

func newGallery(t *testing.T) *gallery {
	return &gallery{T: t, all: map[string]bool{}, taken: map[string]bool{}, kept: map[string]bool{}}
}

// watch has the templates of a firm tell which branches they take.
func (g *gallery) watch(f *firm) *firm {
	g.Helper()
	sets, err := loadTemplates(f.site.static)
	f.must(err)
	for _, set := range sets {
		set.Funcs(template.FuncMap{"taken": func(branch string) bool { g.taken[branch] = true; return true }})
		for _, t := range set.Templates() {
			if t.Tree != nil && (t.Name() != t.Tree.ParseName || t.Name() == "layout.html") { // the others only hold definitions
				g.tell(t.Tree.ParseName+" "+t.Name(), t.Tree.Root)
			}
		}
	}
	f.site.templates = sets
	return f
}

// tell puts into a list of nodes, and those within it, a first one that tells when it
// is carried out: an assignment, which writes nothing wherever it stands.
func (g *gallery) tell(name string, list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		var branch *parse.BranchNode
		switch n := node.(type) {
		case *parse.IfNode:
			branch = &n.BranchNode
		case *parse.WithNode:
			branch = &n.BranchNode
		case *parse.RangeNode:
			branch = &n.BranchNode
		default:
			continue
		}
		where := fmt.Sprintf("%s, at byte %d, {{%s}}", strings.SplitN(name, ", ", 2)[0], branch.Position(), branch.Pipe)
		g.tell(where, branch.List)
		g.tell(where+" else", branch.ElseList)
	}
	told, err := template.New("").Funcs(template.FuncMap{"taken": func(string) bool { return true }}).Parse(fmt.Sprintf("{{$taken := taken %q}}", name))
	if err != nil {
		g.Fatal(err)
	}
	if _, known := g.all[name]; !known {
		g.all[name] = false
	}
	list.Nodes = append([]parse.Node{told.Tree.Root.Nodes[0]}, list.Nodes...)
}

// show takes the page that a request is answered with into the gallery, and returns it.
// What is answered with anything else is left out.
func (g *gallery) show(name string, ask func() *reply) *reply {
	g.Helper()
	clear(g.taken)
	page := ask()
	if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || page.to() != "" {
		return page
	}
	took := strings.Join(slices.Sorted(maps.Keys(g.taken)), "\n")
	if refused := page.status >= http.StatusBadRequest && page.status != http.StatusUnprocessableEntity; refused || !g.kept[took] {
		g.pages = append(g.pages, exhibit{name, page})
	}
	g.kept[took] = true
	for branch := range g.taken {
		g.all[branch] = true
	}
	return page
}

// open serves each page of the gallery by its number, as it was answered, and what it
// is made with; "/gallery/0" is the first.
func (g *gallery) open(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number, is := strings.CutPrefix(r.URL.Path, "/gallery/")
		if !is {
			site.ServeHTTP(w, r)
			return
		}
		i, err := strconv.Atoi(number)
		if err != nil || i >= len(g.pages) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", g.pages[i].header.Get("Content-Type"))
		w.Header().Set("Content-Security-Policy", contentPolicy)
		w.WriteHeader(g.pages[i].status)
		io.WriteString(w, g.pages[i].body)
	})
}

// unseen are the branches that no page of the gallery took.
func (g *gallery) unseen() []string {
	var branches []string
	for branch, taken := range g.all {
		if !taken {
			branches = append(branches, branch)
		}
	}
	slices.Sort(branches)
	return branches
}
