package spec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// decoder turns the nodes of one file into manifests and collects what is wrong
// with them. yaml.v3 would decode by itself, but forgets which fields are known
// inside a Node, takes a bool for a string, and says only the line.
type decoder struct {
	file    *File
	data    []byte
	above   int  // lines of the file before data
	ascii   bool // data holds nothing but ASCII
	kinds   map[string]kindReader
	subject string // of the document at hand
	starts  []int  // see lineStarts
	cursor  cursor // see byteColumn
	errs    Errors
}

// fail records an error at a place and returns it for a hint. yaml.v3 puts what
// is missing at the end of a file on a line after it; there the last is named.
func (d *decoder) fail(line, column int, code, format string, args ...any) *Error {
	if line > 1 && line > d.above+len(d.lineStarts()) {
		line, column = d.position(len(d.data))
	}
	e := &Error{
		File: d.file.Path, Line: line, Column: column,
		Code: code, Subject: legible(d.subject), Reason: legible(fmt.Sprintf(format, args...)),
	}
	d.errs = append(d.errs, e)
	return e
}

func (d *decoder) failAt(n *yaml.Node, code, format string, args ...any) *Error {
	return d.fail(n.Line, n.Column, code, format, args...)
}

// hint adds what to do about an error.
func (e *Error) hint(text string) { e.Hint = legible(text) }

// text is a string of a manifest and where it stands. Line is 0 where the field
// was not written at all.
type text struct {
	Value        string
	Line, Column int32
}

// dayField is a day of a manifest and where it stands.
type dayField struct {
	Day
	Line, Column int32
}

// selfDecoder is a type with more than one way to be written.
type selfDecoder interface {
	decode(d *decoder, n *yaml.Node, field string)
}

var (
	textType = reflect.TypeFor[text]()
	dayType  = reflect.TypeFor[dayField]()
)

func valueOf(p any) reflect.Value { return reflect.ValueOf(p).Elem() }

// fieldInfo is one field that a mapping may have.
type fieldInfo struct {
	index []int
	hint  string // struct tag `hint`: said when the value has the wrong type
}

var fieldTables sync.Map // reflect.Type -> map[string]fieldInfo

// fieldsOf returns the fields of a manifest struct by their YAML names.
func fieldsOf(t reflect.Type) map[string]fieldInfo {
	if table, ok := fieldTables.Load(t); ok {
		return table.(map[string]fieldInfo)
	}
	table := map[string]fieldInfo{}
	for _, f := range reflect.VisibleFields(t) {
		if name, ok := f.Tag.Lookup("yaml"); ok {
			table[name] = fieldInfo{index: f.Index, hint: f.Tag.Get("hint")}
		}
	}
	fieldTables.Store(t, table)
	return table
}

// mapping decodes a mapping into a struct; unknown fields are errors.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f, ok := fields[key.Value]
		if !ok {
			d.unknownField(key, slices.Sorted(maps.Keys(fields)))
			continue
		}
		before := len(d.errs)
		d.value(value, v.FieldByIndex(f.index), key.Value)
		if len(d.errs) == before+1 && f.hint != "" && d.errs[before].Code == "wrong-type" {
			d.errs[before].hint(f.hint)
		}
	}
}

func (d *decoder) unknownField(key *yaml.Node, known []string) {
	e := d.failAt(key, "unknown-field", "unknown field %q", key.Value)
	if near := Nearest(key.Value, known); near != "" {
		e.hint(fmt.Sprintf("did you mean %s?", near))
	} else {
		e.hint("known here: " + strings.Join(known, ", "))
	}
}

// value decodes any node into a field of a manifest struct.
func (d *decoder) value(n *yaml.Node, v reflect.Value, field string) {
	switch v.Type() {
	case textType:
		d.text(n, v.Addr().Interface().(*text), field)
		return
	case dayType:
		d.day(n, v, field)
		return
	}
	if s, ok := v.Addr().Interface().(selfDecoder); ok {
		s.decode(d, n, field)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), field)
	case reflect.Struct:
		if n.Kind != yaml.MappingNode {
			d.failAt(n, "wrong-type", "%s: expected a mapping, got %s", field, describe(n))
			return
		}
		d.mapping(n, v)
	case reflect.Slice:
		d.sequence(n, v, field)
	case reflect.Bool:
		d.boolean(n, v, field)
	case reflect.Int, reflect.Int64:
		d.integer(n, v, field)
	default:
		panic("spec: no way to decode a " + v.Type().String())
	}
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, field string) {
	if n.Kind != yaml.SequenceNode {
		e := d.failAt(n, "wrong-type", "%s: expected a list, got %s", field, describe(n))
		if reason, _ := checkResourceName(n.Value); n.Kind == yaml.ScalarNode && reason == "" {
			e.hint(fmt.Sprintf("write [%s]", n.Value))
		}
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), field)
	}
}

// text accepts a string with something in it: what is written and empty would
// otherwise pass for left out.
func (d *decoder) text(n *yaml.Node, t *text, field string) {
	s, ok := d.scalar(n, field)
	if ok && strings.TrimSpace(s) == "" {
		d.failAt(n, "required", "%s is empty", field).hint("give it a value, or leave the line out where it is optional")
		return
	}
	if ok {
		*t = text{s, int32(n.Line), int32(n.Column)}
	}
}

// scalar accepts strings alone: what YAML takes for a number, a boolean or a
// date must be quoted, so that no value changes its meaning by how it looks.
func (d *decoder) scalar(n *yaml.Node, field string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.failAt(n, "wrong-type", "%s: expected a string, got %s", field, describe(n))
		return "", false
	}
	if n.Tag != "!!str" {
		d.failAt(n, "wrong-type", "%s: expected a string, got %s", field, describe(n)).hint(fmt.Sprintf("write %q, with the quotes", n.Value))
		return "", false
	}
	return n.Value, true
}

func (d *decoder) day(n *yaml.Node, v reflect.Value, field string) {
	if n.Kind == yaml.ScalarNode {
		if day, err := ParseDay(n.Value); err == nil {
			v.Set(reflect.ValueOf(dayField{day, int32(n.Line), int32(n.Column)}))
			return
		}
	}
	d.failAt(n, "wrong-type", "%s: expected a day such as 2027-03-31, got %s", field, describe(n)).
		hint("year-month-day, in UTC, without a time")
}

func (d *decoder) boolean(n *yaml.Node, v reflect.Value, field string) {
	if n.Kind != yaml.ScalarNode || (n.Value != "true" && n.Value != "false") || n.Tag != "!!bool" {
		d.failAt(n, "wrong-type", "%s: expected true or false, got %s", field, describe(n)).hint("write true or false, in lower case and without quotes")
		return
	}
	v.SetBool(n.Value == "true")
}

func (d *decoder) integer(n *yaml.Node, v reflect.Value, field string) {
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || strconv.FormatInt(i, 10) != n.Value {
		d.failAt(n, "wrong-type", "%s: expected a whole number, got %s", field, describe(n)).
			hint("digits alone, without quotes and without a leading zero")
		return
	}
	v.SetInt(i)
}

// kindNames lists the kinds that may stand in a file, sorted.
func kindNames(kinds map[string]kindReader) []string { return slices.Sorted(maps.Keys(kinds)) }
