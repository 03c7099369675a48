package portal

import (
	"strings"

	"golang.org/x/net/html"
)

// tableOf is the words of each cell of the table whose caption has these words, the
// heads first.
func (r *reply) tableOf(caption string) [][]string {
	r.Helper()
	for _, table := range r.elements("table", "") {
		heading := first(table, "caption")
		if heading == nil || !strings.Contains(textOf(heading), caption) {
			continue
		}
		var rows [][]string
		for d := range table.Descendants() {
			if d.Type == html.ElementNode && d.Data == "tr" {
				rows = append(rows, cellsOf(d))
			}
		}
		return rows
	}
	r.Fatalf("no table says %q:\n%s", caption, r.text())
	return nil
}

func cellsOf(row *html.Node) []string {
	var cells []string
	for d := range row.ChildNodes() {
		if d.Type == html.ElementNode {
			cells = append(cells, textOf(d))
		}
	}
	return cells
}

// first is the first element of a name within another, nil where there is none.
func first(n *html.Node, name string) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name {
			return d
		}
	}
	return nil
}

// links are the addresses that a page links to, by the words of the link.
func (r *reply) links() map[string]string {
	r.Helper()
	found := map[string]string{}
	for _, a := range r.elements("a", "") {
		found[textOf(a)] = attribute(a, "href")
	}
	return found
}

// lacks fails the test where the page has any of the words.
func (r *reply) lacks(words ...string) {
	r.Helper()
	for _, w := range words {
		if strings.Contains(r.body, w) {
			r.Errorf("the page has %q:\n%s", w, r.text())
		}
	}
}
