package portal

import (
	_ "embed"
	"net/http"
)

// description is the API's, in OpenAPI 3.1: written by hand, and held against every
// route and every answer by the tests.
//
//go:embed openapi.json
var description []byte

func (s *site) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Write(description)
}
