package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"usher/reconciler"
	"usher/spec"
)

// planGitHub writes workflow commands of GitHub Actions: the summary, what holds the
// plan, and beside each line of the manifests what it brings about. Where the plan is
// a proposal's, that is for lines of files which it changes: what it takes away has
// no line any more.
func planGitHub(p *reconciler.Plan, t Tree) string {
	var b strings.Builder
	fmt.Fprintf(&b, "::notice title=usher::%s\n", commandValue.Replace(Summary(p)))
	for _, h := range p.Held {
		fmt.Fprintf(&b, "::warning title=%s::%s\n", commandProperty.Replace("usher: held by "+h.Rule),
			commandValue.Replace(visible(h.Message)+"\nto let it through: "+visible(h.Release)))
	}
	for _, l := range effects(p) {
		fmt.Fprintf(&b, "::notice file=%s,line=%d,title=usher::%s\n",
			commandProperty.Replace(t.name(l.file)), l.line, commandValue.Replace(strings.Join(l.words, "\n")))
	}
	return b.String()
}

// effect is a line of the manifests and what it brings about.
type effect struct {
	file  string
	line  int32
	words []string
}

// effects are sorted by file and line.
func effects(p *reconciler.Plan) []effect {
	type place struct {
		file string
		line int32
	}
	words := map[place][]string{}
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, o := range c.Because {
			if signOf(c.Action) != "-" && stands(p, o) {
				at := place{o.File, o.Line}
				words[at] = append(words[at], visible(c.Words()))
			}
		}
	}
	list := make([]effect, 0, len(words))
	for at, said := range words {
		list = append(list, effect{at.file, at.line, slices.Compact(said)})
	}
	slices.SortFunc(list, func(a, b effect) int {
		return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	return list
}

// stands reports whether a line is one that somebody sees in the change at hand.
func stands(p *reconciler.Plan, o spec.Origin) bool {
	if o.Line < 1 {
		return false
	}
	if p.Base == nil {
		return true
	}
	_, changed := slices.BinarySearch(p.Base.Files, o.File)
	return changed
}
