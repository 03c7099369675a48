package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"usher/spec"
)

// List is things of one kind, ready to be written in any of [ListFormats].
type List struct {
	Heads []string   // column names
	Rows  [][]string // cells, as tables and CSV show them
	Items any        // a slice, never nil: what JSON and YAML show
}

// Write writes the list.
func (l List) Write(w io.Writer, f Format, o Options) error {
	switch f {
	case Table:
		return write(w, l.table(painter{o.Color}))
	case JSON:
		return writeJSON(w, l.envelope())
	case YAML:
		return writeYAML(w, l.envelope())
	case CSV:
		c := csv.NewWriter(w)
		return c.WriteAll(append([][]string{l.Heads}, inert(l.Rows)...))
	}
	return fmt.Errorf("%w %q for a list: use one of %s", ErrFormat, f, ListFormats)
}

// inert is the cells with an apostrophe before what a spreadsheet would take for a
// formula and carry out (OWASP, "CSV Injection"): a name is whatever somebody typed.
// Numbers below zero stay numbers.
func inert(rows [][]string) [][]string {
	all := make([][]string, len(rows))
	for i, row := range rows {
		all[i] = slices.Clone(row)
		for j, cell := range row {
			first, _ := utf8.DecodeRuneInString(cell)
			if _, err := strconv.ParseFloat(cell, 64); err != nil && strings.ContainsRune("=+-@\t\r＝＋－＠", first) {
				all[i][j] = "'" + cell
			}
		}
	}
	return all
}

// envelope is what every list looks like in JSON and YAML.
type envelope struct {
	Format int `json:"format"`
	Items  any `json:"items"`
}

func (l List) envelope() envelope { return envelope{1, l.Items} }

func (l List) table(p painter) string {
	heads := make([]string, len(l.Heads))
	for i, head := range l.Heads {
		heads[i] = strings.ToUpper(head)
	}
	var b strings.Builder
	for i, line := range columns("", append([][]string{heads}, l.Rows...)) {
		if i == 0 {
			line = p.title(line)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// writeYAML writes v with the keys and the order that its JSON has.
func writeYAML(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return err
	}
	block(&node)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// block turns JSON's flow style into YAML's block style; empty collections stay.
func block(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode || len(n.Content) > 0 {
		n.Style = 0
	}
	for _, child := range n.Content {
		block(child)
	}
}

// day is the UTC day of a time; nothing for the zero time.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// moment writes a time as tables and JSON show it; nothing for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// vias is the teams behind a grant, distinct, in order.
func vias(because []spec.Origin) []string {
	list := []string{}
	seen := map[string]bool{}
	for _, o := range because {
		if o.Via != "" && !seen[o.Via] {
			seen[o.Via] = true
			list = append(list, o.Via)
		}
	}
	return list
}

// Keep is the list with only the rows and items at the given places.
func (l List) Keep(at []int) List {
	all := reflect.ValueOf(l.Items)
	items := reflect.MakeSlice(all.Type(), 0, len(at))
	kept := List{Heads: l.Heads}
	for _, i := range at {
		items = reflect.Append(items, all.Index(i))
		kept.Rows = append(kept.Rows, l.Rows[i])
	}
	kept.Items = items.Interface()
	return kept
}
