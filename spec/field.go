package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Field is one field that a manifest may have, as the struct says into which it is
// decoded: the same tags make the JSON Schema (see [Schema]), so that what is
// explained is what is read.
type Field struct {
	Path     string // from the kind on: "User.spec.access.from"
	Type     string // for people: "string", "list of strings", "mapping"
	Required bool
	Doc      string  // what it means
	Fields   []Field // of a mapping, or of the mappings in a list, in the order to write them
}

// manifests are the structs into which each kind is decoded, in the order in which a
// newcomer meets them.
var manifests = []struct {
	kind string
	doc  string
	of   reflect.Type
}{
	{"User", "One person, and what they may use.", reflect.TypeFor[userManifest]()},
	{"UserList", "People in bulk, as pasted.", reflect.TypeFor[userListManifest]()},
	{"Team", "Access by membership.", reflect.TypeFor[teamManifest]()},
	{"Product", "Something that people may have access to.", reflect.TypeFor[productManifest]()},
	{"Contract", "What was bought, and who may give access to it.", reflect.TypeFor[contractManifest]()},
	{"ContractInformation", "What only the contract manager may read. It stands in the folder of --private, and nowhere else.", reflect.TypeFor[informationManifest]()},
}

// Kinds lists the kinds of manifests with all their fields.
func Kinds() []Field {
	kinds := make([]Field, len(manifests))
	for i, m := range manifests {
		kinds[i] = Field{Path: m.kind, Type: "manifest", Doc: m.doc, Fields: fieldsBelow(m.kind, m.of)}
	}
	return kinds
}

// header are the fields without which a document is not read any further.
var header = []string{"apiVersion", "kind"}

// same are the fields of every kind, which say the same in each.
var same = map[string]string{"metadata": "what it is called", "spec": "what is wanted"}

func fieldsBelow(path string, t reflect.Type) []Field {
	var fields []Field
	for _, f := range reflect.VisibleFields(t) {
		name, ok := f.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		field := Field{Path: path + "." + name, Type: typeWord(f.Type), Required: ruleOf(f).required || slices.Contains(header, name), Doc: f.Tag.Get("doc")}
		if field.Doc == "" {
			field.Doc = same[name]
		}
		if t, _ := mappingOf(f.Type); t != nil {
			field.Fields = fieldsBelow(field.Path, t)
		}
		fields = append(fields, field)
	}
	return fields
}

// mappingOf is the struct of a field that is a mapping, or a list of mappings.
func mappingOf(t reflect.Type) (of reflect.Type, list bool) {
	if t.Kind() == reflect.Slice {
		t, list = t.Elem(), true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == textType || t == dayType {
		return nil, list
	}
	return t, list
}

// typeWord names a type for people.
func typeWord(t reflect.Type) string {
	switch {
	case t == textType:
		return "string"
	case t == dayType:
		return "day"
	case t.Kind() == reflect.Slice:
		return "list of " + strings.TrimSuffix(typeWord(t.Elem()), "s") + "s"
	case t.Kind() == reflect.Pointer:
		return typeWord(t.Elem())
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Struct:
		return "mapping"
	}
	return "whole number"
}

// fieldRule is what the tag `validate` says that a schema can say too.
type fieldRule struct {
	required bool
	least    string // of a number, or items of a list
	most     string // of a number, or characters of a text
	ours     []string
	item     *fieldRule // of a list: what comes after dive
}

func ruleOf(f reflect.StructField) fieldRule { return parseRule(f.Tag.Get("validate")) }

func parseRule(tag string) fieldRule {
	own, items, dives := strings.Cut(tag, "dive")
	var r fieldRule
	for _, word := range strings.Split(own, ",") {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "required":
			r.required = true
		case "min":
			r.least = value
		case "max":
			r.most = value
		default:
			r.ours = append(r.ours, name)
		}
	}
	if dives {
		item := parseRule(items)
		r.item = &item
	}
	return r
}

// UnknownFieldError says that a kind has no such field, or that there is no such kind.
type UnknownFieldError struct {
	Path  string   // as asked for
	Near  string   // what was meant, perhaps; "" where nothing is near
	Known []string // what there is in its place; none: it holds no fields
}

func (e *UnknownFieldError) Error() string { return fmt.Sprintf("manifests have no %s", e.Path) }

// Explain finds a kind or a field by its path, such as "user.spec.access.from"; case
// does not count, and "spec" may be left out. The error is an *[UnknownFieldError].
func Explain(path string) (Field, error) {
	steps := strings.Split(path, ".")
	at := Field{Fields: Kinds()}
	for i, step := range steps {
		next := at.child(step)
		if next == nil && i == 1 {
			if spec := at.child("spec"); spec != nil {
				next = spec.child(step)
			}
		}
		if next == nil {
			return Field{}, at.unknown(path, step)
		}
		at = *next
	}
	return at, nil
}

// Name is the last step of the path.
func (f *Field) Name() string { return f.Path[strings.LastIndexByte(f.Path, '.')+1:] }

// child is the field of that name; kinds may be named in the plural.
func (f *Field) child(name string) *Field {
	i := slices.IndexFunc(f.Fields, func(c Field) bool {
		return strings.EqualFold(c.Name(), name) || f.Path == "" && strings.EqualFold(c.Name()+"s", name)
	})
	if i < 0 {
		return nil
	}
	return &f.Fields[i]
}

func (f *Field) unknown(path, step string) error {
	e := &UnknownFieldError{Path: path}
	fields := f.Fields
	if spec := f.child("spec"); spec != nil {
		fields = slices.Concat(fields, spec.Fields)
	}
	for i := range fields {
		e.Known = append(e.Known, fields[i].Name())
	}
	e.Near = Nearest(step, e.Known)
	return e
}
