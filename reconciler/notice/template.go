package notice

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"

	"usher/reconciler"
)

//go:embed templates
var embedded embed.FS

// letter is the templates of one kind of message.
type letter struct {
	subject *template.Template
	text    *template.Template
	html    *htmltemplate.Template
}

// source is the text of one template and what errors call it.
type source struct{ name, text string }

// letters are the templates of each kind, parsed when a message of that kind is
// first composed: most runs compose none.
type letters map[reconciler.NoticeKind]func() (*letter, error)

// load reads the templates of all kinds, those in the folder before the embedded
// ones; where there is no folder, when the first is asked for.
func load(folder string) (letters, error) {
	sources := sync.OnceValues(func() (map[string]source, error) { return read(folder) })
	if folder != "" {
		if _, err := sources(); err != nil {
			return nil, err
		}
	}
	of := make(letters, len(Kinds))
	for _, kind := range Kinds {
		of[kind] = sync.OnceValues(func() (*letter, error) {
			all, err := sources()
			if err != nil {
				return nil, err
			}
			l, err := parse(all, string(kind))
			if err != nil {
				return nil, fmt.Errorf("reading the templates: %w", err)
			}
			return l, nil
		})
	}
	return of, nil
}

// read gives every template by its file name.
func read(folder string) (map[string]source, error) {
	sources := make(map[string]source)
	for _, name := range fileNames() {
		content, err := embedded.ReadFile("templates/" + name)
		if err != nil {
			return nil, fmt.Errorf("reading the embedded templates: %w", err)
		}
		sources[name] = source{name, string(content)}
	}
	if folder == "" {
		return sources, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the folder of templates: %w", err)
	}
	for _, entry := range entries {
		if err := replace(sources, folder, entry); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

// replace puts a file of the folder in the place of the embedded one. A name that
// begins with a dot is an editor's business and passed over.
func replace(sources map[string]source, folder string, entry fs.DirEntry) error {
	path := filepath.Join(folder, entry.Name())
	if strings.HasPrefix(entry.Name(), ".") {
		return nil
	}
	if _, known := sources[entry.Name()]; !known {
		return fmt.Errorf("%s: not the name of a template; there are %s", path, strings.Join(fileNames(), ", "))
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading a template: %w", err)
	}
	sources[entry.Name()] = source{path, strings.ReplaceAll(string(content), "\r\n", "\n")}
	return nil
}

// fileNames are the names of all templates.
func fileNames() []string {
	names := []string{"shared.txt", "shared.html"}
	for _, kind := range Kinds {
		names = append(names, string(kind)+".txt", string(kind)+".html")
	}
	slices.Sort(names)
	return names
}

// parse makes a letter of the kind's templates and the shared ones. Shared pieces
// come first, so a kind's own file may replace one of them.
func parse(sources map[string]source, kind string) (*letter, error) {
	text, html := sources[kind+".txt"], sources[kind+".html"]
	subject, body, err := split(text)
	if err != nil {
		return nil, err
	}
	l := &letter{}
	if l.subject, err = template.New(subject.name).Parse(subject.text); err != nil {
		return nil, err
	}
	if err := checkSubject(l.subject); err != nil {
		return nil, err
	}
	shared := sources["shared.txt"]
	set, err := template.New(shared.name).Parse(shared.text)
	if err != nil {
		return nil, err
	}
	if l.text, err = set.New(body.name).Parse(body.text); err != nil {
		return nil, err
	}
	shared = sources["shared.html"]
	pages, err := htmltemplate.New(shared.name).Parse(shared.text)
	if err != nil {
		return nil, err
	}
	l.html, err = pages.New(html.name).Parse(html.text)
	return l, err
}

// split parts a .txt file into its subject line and the body. The body keeps the
// file's line numbers: a comment stands for the lines taken away.
func split(s source) (subject, body source, err error) {
	first, rest, _ := strings.Cut(s.text, "\n")
	line, ok := strings.CutPrefix(first, "Subject: ")
	if !ok || !strings.HasPrefix(rest, "\n") {
		return source{}, source{}, fmt.Errorf(`%s:1: expected a line "Subject: …" and then an empty line`, s.name)
	}
	return source{s.name, line}, source{s.name, "{{/*\n\n*/}}" + strings.TrimPrefix(rest, "\n")}, nil
}

// unstamped are the fields of a Letter that a subject may not use, because a plan
// shows its subjects before there is a revision.
var unstamped = []string{"Subject", "Revision", "Signer", "When", "Expires", "Days", "Password"}

// checkSubject refuses a subject that names one of them.
func checkSubject(subject *template.Template) error {
	for _, field := range unstamped {
		if regexp.MustCompile(`\.` + field + `\b`).MatchString(subject.Root.String()) {
			return fmt.Errorf("%s:1: a subject cannot use .%s, which is known only when the plan is carried out", subject.Name(), field)
		}
	}
	return nil
}

// subjectOf is the letter's subject: one line, not too long for a header.
func (l *letter) subjectOf(letter *Letter) (string, error) {
	var b strings.Builder
	if err := l.subject.Execute(&b, letter); err != nil {
		return "", fmt.Errorf("composing a subject: %w", err)
	}
	subject := literal(shorten(clean(b.String()), 200))
	if subject == "" {
		return "", fmt.Errorf("%s:1: the subject is empty", l.subject.Name())
	}
	return subject, nil
}

// room is where the parts of a message are written before they are encoded. Those at
// rest serve the next messages.
type room struct{ text, html bytes.Buffer }

var rooms = sync.Pool{New: func() any { return &room{} }}

// bodies are both parts of a message, which are good for as long as the room is.
func (l *letter) bodies(letter *Letter, r *room) (text, html []byte, err error) {
	r.text.Reset()
	r.html.Reset()
	err = errors.Join(l.text.Execute(&r.text, letter), l.html.Execute(&r.html, letter))
	if err != nil {
		return nil, nil, fmt.Errorf("composing a message: %w", err)
	}
	return setApart(ended(r.text.Bytes())), setApart(ended(r.html.Bytes())), nil
}

// ended is a body with exactly one line end at its end.
func ended(body []byte) []byte { return append(bytes.TrimRight(body, "\n"), '\n') }
