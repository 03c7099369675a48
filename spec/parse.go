package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// File is one file of manifests, parsed: every field is of the right type and
// within its own rules. What depends on other files is for [Resolve] to say.
type File struct {
	Path string

	users       []userManifest
	lists       []userListManifest
	teams       []teamManifest
	products    []productManifest
	contracts   []contractManifest
	information []informationManifest

	partial bool // some document could not be read at all
}

// Parse reads one file of the shared tree. It is a pure function of its
// arguments and never panics. path is what errors and origins call the file.
// Where there are errors, the file holds what could be read all the same, so
// that other files' references to it need not fail as well.
func Parse(path string, data []byte) (*File, Errors) {
	return parse(path, data, sharedKinds)
}

// ParsePrivate reads one file of the private folder, which holds
// ContractInformation and nothing else (DOMAIN.md row 5).
func ParsePrivate(path string, data []byte) (*File, Errors) {
	return parse(path, data, privateKinds)
}

func parse(path string, data []byte, kinds map[string]kindReader) (*File, Errors) {
	d := &decoder{file: &File{Path: path}, data: data, kinds: kinds}
	if !d.checkBytes() {
		d.file.partial = true
	} else {
		d.documents()
	}
	return d.file, d.errs.Sort()
}

// documents reads every document of the file. yaml.v3 panics on some short
// inputs, such as {{},<<}; a panic is that file's error and no one else's.
func (d *decoder) documents() {
	defer func() {
		if r := recover(); r != nil {
			d.file.partial = true
			d.fail(1, 1, "syntax", "the YAML parser gave up on this file (%v)", r).
				hint("look for a merge key (<<) or a mapping used as a key")
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(d.data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			d.syntax(err)
			return
		}
		d.document(&doc)
	}
}

var yamlErrorLine = regexp.MustCompile(`line (\d+): `)

// syntax reports what the YAML parser says, at the line that it names.
func (d *decoder) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlErrorLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.Replace(text, m[0], "", 1)
	}
	d.file.partial = true
	d.subject = ""
	d.fail(line, 1, "syntax", "not valid YAML: %s", text)
}

// document reads one document: the walk that refuses what no manifest may
// contain, then the header, then what its kind says.
func (d *decoder) document(doc *yaml.Node) {
	if len(doc.Content) == 0 {
		return
	}
	root := doc.Content[0]
	d.subject = ""
	if isNull(root) && root.Value == "" {
		return // nothing between two separators
	}
	before := len(d.errs)
	d.walk(root, 1)
	if len(d.errs) > before {
		d.file.partial = true
		return
	}
	if root.Kind != yaml.MappingNode {
		d.file.partial = true
		d.failAt(root, "wrong-type", "expected a manifest (a mapping with apiVersion and kind), got %s", describe(root))
		return
	}
	if read := d.header(root); read != nil {
		read(d, root)
		return
	}
	d.file.partial = true
}

// kindReader reads the document of one kind into the decoder's file.
type kindReader func(d *decoder, root *yaml.Node)

var sharedKinds = map[string]kindReader{
	"User":     func(d *decoder, n *yaml.Node) { read(d, n, &d.file.users) },
	"UserList": func(d *decoder, n *yaml.Node) { read(d, n, &d.file.lists) },
	"Team":     func(d *decoder, n *yaml.Node) { read(d, n, &d.file.teams) },
	"Product":  func(d *decoder, n *yaml.Node) { read(d, n, &d.file.products) },
	"Contract": func(d *decoder, n *yaml.Node) { read(d, n, &d.file.contracts) },
}

var privateKinds = map[string]kindReader{
	"ContractInformation": func(d *decoder, n *yaml.Node) { read(d, n, &d.file.information) },
}

// manifest is a private struct that a document of one kind is decoded into.
type manifest[T any] interface {
	*T
	// finish checks what tags cannot say; root is the document.
	finish(d *decoder, root *yaml.Node)
}

// read decodes a document, validates it and appends it to the file.
func read[T any, P manifest[T]](d *decoder, root *yaml.Node, into *[]T) {
	var m T
	before := len(d.errs)
	d.mapping(root, valueOf(&m))
	d.validate(root, &m, len(d.errs) == before)
	P(&m).finish(d, root)
	*into = append(*into, m)
}

// header checks apiVersion and kind, sets the subject of errors, and returns
// the reader of the kind; nil where the document cannot be read any further.
func (d *decoder) header(root *yaml.Node) kindReader {
	kind, name := child(root, "kind"), child(child(root, "metadata"), "name")
	if kind != nil && kind.Kind == yaml.ScalarNode {
		d.subject = kind.Value
		if name != nil && name.Kind == yaml.ScalarNode {
			d.subject += " " + name.Value
		} else if email := child(child(root, "spec"), "email"); email != nil && email.Kind == yaml.ScalarNode {
			d.subject += " " + email.Value
		}
	}
	switch version := child(root, "apiVersion"); {
	case version == nil:
		d.failAt(root, "required", "apiVersion is required").hint("write apiVersion: " + APIVersion)
	case version.Value != APIVersion:
		d.failAt(version, "api-version", "apiVersion is %q, expected %q", version.Value, APIVersion)
	}
	if kind == nil {
		d.failAt(root, "required", "kind is required").hint("one of " + strings.Join(kindNames(d.kinds), ", "))
		return nil
	}
	if reader, ok := d.kinds[kind.Value]; ok {
		return reader
	}
	d.unknownKind(kind)
	return nil
}

func (d *decoder) unknownKind(kind *yaml.Node) {
	d.subject = ""
	if _, ok := privateKinds[kind.Value]; ok {
		d.failAt(kind, "private-kind", "kind %s has no place in the shared tree: only the contract manager may see it", kind.Value).
			hint("move it to a folder of its own and name that folder with --private")
		return
	}
	if _, ok := sharedKinds[kind.Value]; ok {
		d.failAt(kind, "shared-kind", "kind %s has no place in the private folder", kind.Value).
			hint("move it to the shared tree; the private folder holds ContractInformation alone")
		return
	}
	e := d.failAt(kind, "unknown-kind", "unknown kind %q", kind.Value)
	if near := nearest(kind.Value, kindNames(d.kinds)); near != "" {
		e.hint(fmt.Sprintf("did you mean %s?", near))
	} else {
		e.hint("one of " + strings.Join(kindNames(d.kinds), ", "))
	}
}

// typeMeta is what every manifest begins with; header has checked both.
type typeMeta struct {
	APIVersion text `yaml:"apiVersion"`
	Kind       text `yaml:"kind"`
}

type metadata struct {
	Name text `yaml:"name" validate:"omitempty,resourcename"`
}
