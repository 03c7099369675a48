package spec

import (
	"cmp"
	"fmt"
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
	flawed  bool // there were errors: fields may lack their values
}

// Parse reads one file of the shared tree. It is a pure function of its
// arguments and never panics. path is what errors and origins call the file.
// Where there are errors, the file holds what could be read all the same, so
// that other files' references to it need not fail as well.
func Parse(path string, data []byte) (*File, Errors) {
	return parse(path, 0, data, sharedKinds)
}

// ParsePrivate reads one file of the private folder, which holds
// ContractInformation and nothing else (DOMAIN.md row 5).
func ParsePrivate(path string, data []byte) (*File, Errors) {
	return parse(path, 0, data, privateKinds)
}

// parse reads a file, or the part of one that so many lines stand above.
func parse(path string, above int, data []byte, kinds map[string]kindReader) (*File, Errors) {
	d := &decoder{file: &File{Path: path}, data: data, above: above, kinds: kinds}
	if !d.checkBytes() {
		d.file.partial = true
	} else {
		d.documents()
	}
	d.file.flawed = len(d.errs) > 0
	return d.file, d.errs.Sort()
}

// documents reads every document of the file, up to the first that is not YAML.
func (d *decoder) documents() {
	if err := eachDocument(d.data, d.document); err != nil {
		d.file.partial = true
		d.subject = ""
		d.syntax(err)
	}
}

// document reads one document: the walk that refuses what no manifest may
// contain, then the header, then what its kind says.
func (d *decoder) document(doc *yaml.Node) {
	if len(doc.Content) == 0 {
		return
	}
	root := doc.Content[0]
	if isNull(root) && root.Value == "" {
		return // nothing between two separators
	}
	lower(root, d.above)
	d.subject = subject(root)
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

// subject is what errors call a document: its kind and name, as far as it has
// them.
func subject(root *yaml.Node) string {
	words := []string{scalarValue(child(root, "kind"))}
	name := scalarValue(child(child(root, "metadata"), "name"))
	if name = cmp.Or(name, scalarValue(child(child(root, "spec"), "email"))); name != "" {
		words = append(words, name)
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

func scalarValue(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// header checks apiVersion and kind and returns the reader of the kind; nil
// where the document cannot be read any further. A document whose name cannot
// be read makes its file partial: others may refer to it.
func (d *decoder) header(root *yaml.Node) kindReader {
	switch version := child(root, "apiVersion"); {
	case version == nil:
		d.failAt(root, "required", "apiVersion is required").hint("write apiVersion: " + APIVersion)
	case version.Kind == yaml.ScalarNode && version.Value != APIVersion:
		d.failAt(version, "api-version", "apiVersion is %q, expected %q", version.Value, APIVersion)
	}
	if name := child(child(root, "metadata"), "name"); name != nil {
		reason, _ := checkResourceName(scalarValue(name))
		d.file.partial = d.file.partial || reason != "" || name.Tag != "!!str"
	}
	kind := child(root, "kind")
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
	if kind.Kind != yaml.ScalarNode {
		d.failAt(kind, "wrong-type", "kind: expected a string, got %s", describe(kind))
		return
	}
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
	if near := Nearest(kind.Value, kindNames(d.kinds)); near != "" {
		e.hint(fmt.Sprintf("did you mean %s?", near))
	} else {
		e.hint("one of " + strings.Join(kindNames(d.kinds), ", "))
	}
}

// typeMeta is what every manifest begins with; header has checked both.
type typeMeta struct {
	APIVersion text `yaml:"apiVersion" doc:"usher/v1"`
	Kind       text `yaml:"kind" doc:"what the document declares"`
}

type metadata struct {
	Name text `yaml:"name" validate:"omitempty,resourcename" doc:"what other manifests call them: lower-case letters, digits, - and ., or an e-mail; left out: the e-mail, folded"`
}
