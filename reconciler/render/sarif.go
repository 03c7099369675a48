package render

import (
	"io"
	"net/url"
	"path"
	"slices"

	"usher/spec"
)

// The parts of SARIF 2.1.0 (OASIS) that a finding in a file needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)

// errorsSARIF writes one run with a result an error and a rule a code.
func errorsSARIF(w io.Writer, es spec.Errors, t Tree) error {
	codes := errorCodes(es)
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "usher", Rules: make([]sarifRule, len(codes))}},
		ColumnKind: "unicodeCodePoints",
		Results:    make([]sarifResult, len(es)),
	}
	for i, code := range codes {
		run.Tool.Driver.Rules[i].ID = code
	}
	for i, e := range es {
		index, _ := slices.BinarySearch(codes, e.Code)
		run.Results[i] = sarifResult{
			RuleID: e.Code, RuleIndex: index, Level: "error",
			Message:   sarifMessage{withHint(e)},
			Locations: []sarifLocation{{sarifPhysical{t.artifact(e.File), t.region(e)}}},
		}
	}
	return writeJSON(w, sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

// errorCodes is the codes of the errors, distinct and sorted.
func errorCodes(es spec.Errors) []string {
	codes := make([]string, len(es))
	for i, e := range es {
		codes[i] = e.Code
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// sourceRoot is what relative names of files are below, in the words of forges: the
// top of the repository.
const sourceRoot = "%SRCROOT%"

// artifact names the file by a relative URI reference (RFC 3986, section 4.2), or
// by a path from the root.
func (t Tree) artifact(file string) sarifArtifact {
	name := t.name(file)
	a := sarifArtifact{URI: (&url.URL{Path: name}).String()}
	if !path.IsAbs(name) {
		a.Base = sourceRoot
	}
	return a
}

func (t Tree) region(e *spec.Error) *sarifRegion {
	if e.Line < 1 {
		return nil
	}
	return &sarifRegion{e.Line, t.character(e)}
}
