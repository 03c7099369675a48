package render

import (
	"strconv"
	"strings"

	"usher/state"
)

// revisionItem is a revision in JSON.
type revisionItem struct {
	Number   int64           `json:"number"`
	At       string          `json:"at"`
	Cause    state.CauseKind `json:"cause"`
	Source   string          `json:"source"`
	Path     string          `json:"path"`
	Commit   string          `json:"commit"`
	Digest   string          `json:"digest"`
	Plan     string          `json:"plan"`
	Approved bool            `json:"approved"`
	By       string          `json:"by"`
	provenanceItem
	Changes  int `json:"changes"`
	Messages int `json:"messages"`
}

// provenanceItem is who made and signed the commit of a revision.
type provenanceItem struct {
	Author      string   `json:"author,omitempty"`
	Committer   string   `json:"committer,omitempty"`
	Signer      string   `json:"signer,omitempty"`
	Fingerprint string   `json:"fingerprint,omitempty"`
	Parents     []string `json:"parents,omitempty"`
}

func provenanceOf(r state.Revision) provenanceItem {
	return provenanceItem{r.Author, r.Committer, r.Signer, r.Fingerprint, strings.Fields(r.Parents)}
}

// causeWords says what brought a revision about.
var causeWords = map[state.CauseKind]string{
	state.CauseManifests: "manifests",
	state.CauseAdopt:     "manifests, people adopted",
	state.CauseTime:      "the calendar",
	state.CauseRequest:   "a request",
}

// Revisions lists applied revisions, in the order given.
func Revisions(list []state.Revision) List {
	items, rows := make([]revisionItem, len(list)), make([][]string, len(list))
	for i, r := range list {
		items[i] = revisionItem{r.Number, moment(r.At), r.Kind, r.Source, r.Path, r.Commit, r.Digest, r.PlanID, r.Approved, r.By, provenanceOf(r), r.Changes, r.Messages}
		rows[i] = []string{strconv.FormatInt(r.Number, 10), moment(r.At), CauseWords(r), By(r), strconv.Itoa(r.Changes), strconv.Itoa(r.Messages), from(r)}
	}
	return List{[]string{"revision", "at", "cause", "by", "changes", "messages", "from"}, rows, items}
}

// CauseWords says what brought a revision about: "manifests, approved".
func CauseWords(r state.Revision) string {
	words := causeWords[r.Kind]
	if r.Approved {
		words += ", approved"
	}
	return words
}

// By is who ran usher, or who answers for the commit: its signer, or for want
// of one its author.
func By(r state.Revision) string {
	switch {
	case r.Signer != "":
		return "signed by " + r.Signer
	case r.Author != "":
		return r.Author
	}
	return r.By
}

// from is where the manifests were: the commit, or the folder with the
// beginning of its digest.
func from(r state.Revision) string {
	if r.Commit != "" {
		return r.Commit
	}
	return strings.TrimSpace(r.Path + " " + ShortID(r.Digest))
}
