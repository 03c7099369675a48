package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// Overflows reports whether the page is wider than the window, so that it has to be
// pushed to and fro to be read.
func (w *Window) Overflows() bool {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	wider, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`))
	if err != nil {
		w.Fatalf("measuring %s: %v", w.address(), err)
	}
	return wider
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
