package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Axe is the source of axe-core, which looks for what keeps people out of a page: from
// the file that USHER_AXE names. It is half a megabyte that others maintain, and no
// part of usher, so it is fetched where the checks run and not kept here. Where none is
// named, the test is skipped, and says so.
func Axe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("USHER_AXE")
	if path == "" {
		t.Skip("USHER_AXE does not name the axe.min.js of axe-core (npm install axe-core)")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading axe-core: %v", err)
	}
	return string(source)
}

// runAxe runs the rules of WCAG 2, A and AA, and best practices, on the page.
const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(
	v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html.slice(0, 160) + " (" + n.target.join(" ") + ")").join(" | ")))`

// Violations are what axe-core finds wrong with the page as it is now, a line each.
func (w *Window) Violations(axe string) []string {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe === "object"`))
	if err == nil && !there {
		_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](axe+";true"))
	}
	var found []string
	if err == nil {
		found, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
	}
	if err != nil {
		w.Fatalf("running axe-core on %s: %v", w.address(), err)
	}
	return found
}

// measure names what reaches beyond the window: "1210 of 1200 pixels, td.number".
const measure = `(() => {
	const page = document.scrollingElement, wide = page.clientWidth
	if (page.scrollWidth <= wide) return ""
	const out = [...document.querySelectorAll("main *, header *, nav *")].filter(e => e.getBoundingClientRect().right > wide + 1)
	return page.scrollWidth + " of " + wide + " pixels, " + out.slice(-1).map(e => e.outerHTML.slice(0, 160))
})()`

// Overflows says by what the page is wider than the window, so that it has to be pushed
// to and fro to be read; "" where it is not.
func (w *Window) Overflows() string {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	wider, err := chromedp.Run(ctx, chromedp.Evaluate[string](measure))
	if err != nil {
		w.Fatalf("measuring %s: %v", w.address(), err)
	}
	return wider
}

// Unfold opens whatever expands on the page.
func (w *Window) Unfold() {
	w.Helper()
	w.ask(`document.querySelectorAll("details").forEach(d => d.open = true), ""`)
}

// Shoot writes what the page looks like, the whole of it, as NAME.png into the folder
// that USHER_SCREENSHOTS names, for somebody to look at; by default that is none.
func (w *Window) Shoot(name string) {
	w.Helper()
	dir := os.Getenv("USHER_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		w.Fatalf("taking a picture of %s: %v", w.address(), err)
	}
}

// Focused describes what has the focus, by its id or its first line of words ("" for
// the page itself), and reports whether that is seen: whether it is outlined.
func (w *Window) Focused() (what string, seen bool) {
	w.Helper()
	what = w.ask(`document.activeElement === document.body ? "" : document.activeElement.id || document.activeElement.innerText.split("\n")[0].trim()`)
	return what, w.ask(`getComputedStyle(document.activeElement).outlineStyle`) == "solid"
}

// Focuses waits until something has the focus, which is described as [Window.Focused]
// does.
func (w *Window) Focuses(wanted string) {
	w.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		what, _ := w.Focused()
		if what == wanted {
			return
		}
		if time.Since(began) > patience/4 {
			w.Fatalf("%q has the focus on %s, want %q", what, w.address(), wanted)
		}
	}
}

// FocusOn gives the focus to the element with this id, as a click into it does.
func (w *Window) FocusOn(id string) {
	w.Helper()
	w.do("going to "+id, chromedp.Focus("#"+id))
}

// Keep remembers the element that a CSS selector finds, for [Window.Kept].
func (w *Window) Keep(selector string) {
	w.Helper()
	w.ask(fmt.Sprintf("window.kept = document.querySelector(%q), ''", selector))
}

// Kept reports whether the selector still finds the very element that was remembered:
// what screen readers listen to must stay while its words change.
func (w *Window) Kept(selector string) bool {
	w.Helper()
	return w.ask(fmt.Sprintf("String(!!window.kept && window.kept === document.querySelector(%q))", selector)) == "true"
}

// Heard is what a screen reader has of the page, of the roles that are given: a line
// each, "cell: 3 of 10", in the order of the page.
func (w *Window) Heard(roles ...string) []string {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	tree, err := chromedp.Run(ctx, chromedp.Action[accessibility.GetFullAXTreeResult](func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	}))
	if err != nil {
		w.Fatalf("asking what is heard of %s: %v", w.address(), err)
	}
	var heard []string
	for _, node := range tree.Nodes {
		if !node.Ignored && slices.Contains(roles, said(node.Role)) {
			heard = append(heard, said(node.Role)+": "+said(node.Name))
		}
	}
	return heard
}

// said is the text of a value of the accessibility tree, "" for none.
func said(v *accessibility.Value) string {
	var text string
	if v == nil || json.Unmarshal(v.Value, &text) != nil {
		return ""
	}
	return text
}
