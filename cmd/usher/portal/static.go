package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

// staticRoot is below where static files are served. Their names hold a hash of
// their content, so a browser may keep them for ever: what changes has another name.
const staticRoot = "/static/"

// static is the files that pages need beside themselves, by the name they are
// served under.
type static struct {
	served map[string]staticFile
	paths  map[string]string // from the name they are known by
}

type staticFile struct {
	content []byte
	kind    string
}

// kinds are the types of static files; a file of another kind is not served.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func loadStatic() (*static, error) {
	s := &static{served: map[string]staticFile{}, paths: map[string]string{}}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		return nil, fmt.Errorf("reading static files: %w", err)
	}
	for _, entry := range entries {
		extension := path.Ext(entry.Name())
		kind := kinds[extension]
		if kind == "" {
			continue
		}
		content, err := staticFiles.ReadFile("static/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("reading static files: %w", err)
		}
		sum := sha256.Sum256(content)
		served := strings.TrimSuffix(entry.Name(), extension) + "." + hex.EncodeToString(sum[:8]) + extension
		s.served[served] = staticFile{content, kind}
		s.paths[entry.Name()] = staticRoot + served
	}
	return s, nil
}

// path is the address of a static file, known by its name: {{static "portal.css"}}.
func (s *static) path(name string) (string, error) {
	p, ok := s.paths[name]
	if !ok {
		return "", fmt.Errorf("there is no static file %s", name)
	}
	return p, nil
}

func (s *site) staticRoutes() []route {
	return []route{{method: http.MethodGet, pattern: staticRoot + "{file}", need: open, serve: s.staticFile, bare: true}}
}

func (s *site) staticFile(w http.ResponseWriter, r *http.Request) {
	file, ok := s.static.served[r.PathValue("file")]
	if !ok {
		s.refusePage(w, r, errNoPage)
		return
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.content))
}
