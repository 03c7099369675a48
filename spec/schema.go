package spec

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
)

// Schema returns the JSON Schema (draft 7, which every editor knows) of one document.
// It is made of the structs into which manifests are decoded and of their tags, and is
// the laxer judge: what [Parse] accepts it accepts, and what it refuses Parse refuses.
// References, seats and whatever takes a second look are for Parse and [Resolve].
func Schema() ([]byte, error) {
	var kinds []string
	var cases []object
	definitions := object{}
	for _, m := range manifests {
		kinds = append(kinds, m.kind)
		body := mappingSchema(m.of)
		body["description"] = m.doc
		properties := body["properties"].(object)
		properties["apiVersion"].(object)["const"] = APIVersion
		properties["kind"].(object)["const"] = m.kind
		body["required"] = slices.Concat(header, requiredOf(m.of))
		definitions[m.kind] = body
		cases = append(cases, object{
			"if":   object{"properties": object{"kind": object{"const": m.kind}}},
			"then": object{"$ref": "#/definitions/" + m.kind},
		})
	}
	return json.MarshalIndent(object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "usher manifest",
		"type":        "object",
		"required":    header,
		"properties":  object{"kind": object{"enum": kinds, "description": "what the document declares"}},
		"allOf":       cases,
		"definitions": definitions,
	}, "", "  ")
}

// object is one of JSON. Its fields are written sorted.
type object map[string]any

// mappingSchema is the schema of a mapping that is decoded into a struct.
func mappingSchema(t reflect.Type) object {
	properties := object{}
	for _, f := range reflect.VisibleFields(t) {
		name, ok := f.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		property := valueSchema(f.Type, ruleOf(f))
		if doc := f.Tag.Get("doc"); doc != "" {
			property["description"] = doc
		}
		properties[name] = property
	}
	schema := object{"type": "object", "additionalProperties": false, "properties": properties}
	if required := requiredOf(t); len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func requiredOf(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name, ok := f.Tag.Lookup("yaml"); ok && ruleOf(f).required {
			names = append(names, name)
		}
	}
	return names
}

// valueSchema is the schema of a value of a type, which is as decoder.value reads it.
func valueSchema(t reflect.Type, r fieldRule) object {
	switch {
	case t == textType:
		return r.text()
	case t == dayType:
		return object{"type": "string", "pattern": `^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$`, "examples": []string{"2027-03-31"}}
	case t == reflect.TypeFor[accessItem]():
		return object{"anyOf": []object{fieldRule{}.text(), mappingSchema(t)}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return valueSchema(t.Elem(), r)
	case reflect.Struct:
		return mappingSchema(t)
	case reflect.Slice:
		var item fieldRule
		if r.item != nil {
			item = *r.item
		}
		return r.bounded(object{"type": "array", "items": valueSchema(t.Elem(), item)}, "minItems", "maxItems")
	case reflect.Bool:
		return object{"type": "boolean"}
	}
	return r.bounded(object{"type": "integer"}, "minimum", "maximum")
}

// patterns are what rules of ours come to as far as a pattern can say it.
var patterns = map[string]object{
	"resourcename": {"pattern": `^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|[^\sA-Z@]+@[^\sA-Z@]+)$`},
	"address":      {"pattern": `^[^\s@]+@[^\s@]+$`},
	"httpsurl":     {"pattern": "^[hH][tT][tT][pP][sS]://."},
	"digest":       {"pattern": "^[0-9a-fA-F]{64}$"},
	"producttype":  {"enum": []ProductType{TypeProduct, TypeService, TypeBenefit}},
}

// text is the schema of a string: one that is written has something in it.
func (r fieldRule) text() object {
	schema := r.bounded(object{"type": "string", "pattern": `\S`}, "minLength", "maxLength")
	for _, rule := range r.ours {
		for name, value := range patterns[rule] {
			schema[name] = value
		}
	}
	return schema
}

// bounded adds the bounds of a rule under their names in a schema.
func (r fieldRule) bounded(schema object, least, most string) object {
	for name, bound := range map[string]string{least: r.least, most: r.most} {
		if n, err := strconv.Atoi(bound); err == nil {
			schema[name] = n
		}
	}
	return schema
}
