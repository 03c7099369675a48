// Package browsertest drives a headless Chromium through the account site, for tests:
// as people do, by the words on a page, with the mouse or with the keys alone.
package browsertest

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long anything on a page may take before the test fails: long,
// because a machine that runs many tests at once is slow.
const patience = time.Minute

// Browser is one Chromium. Its windows share no cookies.
type Browser struct {
	t   *testing.T
	ctx context.Context
}

// Start starts a Chromium that ends with the test. It takes certificates that nobody
// vouches for, as those of servers of the test are. Where no Chromium is installed
// the test is skipped, and says so.
func Start(t *testing.T) *Browser {
	t.Helper()
	path := chromium()
	if path == "" {
		t.Skip("no Chromium is installed (chromium, chromium-browser or google-chrome on the PATH); Debian's package is chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return &Browser{t, ctx}
}

// chromium is the path of the browser, "" where there is none.
func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Look is how a page is looked at.
type Look struct {
	Name          string
	Width, Height int64 // in CSS pixels
	Dark          bool
}

// Looks are those that every page must stand: a desk and a telephone, by day and by
// night.
var Looks = []Look{
	{"desktop-light", 1280, 850, false}, {"desktop-dark", 1280, 850, true},
	{"phone-light", 390, 844, false}, {"phone-dark", 390, 844, true},
}

// Narrow are windows in which nothing may be wider than the window either: that of
// WCAG 2.2, success criterion 1.4.10, which is a desk at four times its size; and those
// between a telephone and a desk.
var Narrow = []Look{{"reflow", 320, 640, false}, {"tablet", 768, 1024, false}, {"large", 1920, 1080, false}}

// Window is one window of a person, with cookies of its own.
type Window struct {
	*testing.T
	ctx  context.Context
	site string // its address, without a slash at the end
}

// Open opens a window on a site, which is given by its address without a path. It
// closes with the test.
func (b *Browser) Open(t *testing.T, site string) *Window {
	t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	w := &Window{t, ctx, site}
	if err := chromedp.Do(ctx); err != nil { // without a limit in time, which would be that of the window
		t.Fatalf("opening a window: %v", err)
	}
	w.Look(Looks[0])
	return w
}

// step is one thing that a person, or the browser, does.
type step = chromedp.Action[chromedp.Void]

// call is a command of the DevTools protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// do carries out what a person does, within [patience].
func (w *Window) do(what string, actions ...step) {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.Fatalf("%s, on %s: %v\n%s", what, w.address(), err, w.words())
	}
}

// Script switches the scripts of pages on or off.
func (w *Window) Script(on bool) {
	w.Helper()
	w.do("switching scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}))
}

// Look gives the window a size and its pages a scheme of colours.
func (w *Window) Look(l Look) {
	w.Helper()
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	w.do("resizing the window", chromedp.EmulateViewport(l.Width, l.Height),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}))
}

// Cookie gives the window a cookie of the site, as though somebody had signed in.
func (w *Window) Cookie(name, value string) {
	w.Helper()
	w.do("setting a cookie", call(network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: w.site}))
}

// Visit goes to a page: to a path of the site, or a whole address.
func (w *Window) Visit(page string) {
	w.Helper()
	if strings.HasPrefix(page, "/") {
		page = w.site + page
	}
	w.do("going to "+page, chromedp.Navigate(page))
}

// Click clicks on the link, button or summary with exactly these words, and waits for
// nothing.
func (w *Window) Click(words string) {
	w.Helper()
	w.do("clicking on "+words, chromedp.Click(clickable(words), chromedp.NodeVisible))
}

// Follow clicks as [Window.Click] does, and waits for the page that it leads to.
func (w *Window) Follow(words string) {
	w.Helper()
	w.arrive("following "+words, chromedp.Click(clickable(words), chromedp.NodeVisible))
}

// arrive waits for the page that actions lead to.
func (w *Window) arrive(what string, actions ...step) {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	if _, err := chromedp.RunResponse(ctx, actions...); err != nil {
		w.Fatalf("%s, on %s: %v\n%s", what, w.address(), err, w.words())
	}
}

// clickable finds what can be clicked by its words, those included that are there for
// screen readers alone.
func clickable(words string) string {
	return "(//a | //button | //summary)[normalize-space() = " + quoted(words) + "]"
}

// labelled finds what a label is for.
func labelled(label string) string {
	return "//*[@id = //label[normalize-space() = " + quoted(label) + "]/@for]"
}

// quoted writes a text as XPath does, which has no escapes.
func quoted(text string) string {
	if strings.Contains(text, `"`) {
		return "'" + text + "'"
	}
	return `"` + text + `"`
}

// Fill writes into the field with exactly this label, in place of what stands there.
func (w *Window) Fill(label, text string) {
	w.Helper()
	all := func(p *input.DispatchKeyEventParams) { p.Commands = []string{"selectAll"} }
	w.do("filling in "+label, chromedp.Focus(labelled(label)), chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl), all),
		chromedp.KeyEvent(kb.Delete), chromedp.SendKeys(labelled(label), text))
}

// Tick ticks, or unticks, the box with exactly this label.
func (w *Window) Tick(label string) {
	w.Helper()
	w.do("ticking "+label, chromedp.Click(labelled(label)))
}

// Expand opens the row whose summary has these words in it.
func (w *Window) Expand(words string) {
	w.Helper()
	w.do("expanding "+words, chromedp.Click("//summary[contains(normalize-space(), "+quoted(words)+")]"))
}

// Press presses keys, one after the other: those of [github.com/chromedp/chromedp/kb],
// or letters.
func (w *Window) Press(keys ...string) {
	w.Helper()
	for _, key := range keys {
		w.do("pressing a key", chromedp.KeyEvent(key))
	}
}

// Enter presses a key that leads to another page, and waits for that.
func (w *Window) Enter(key string) {
	w.Helper()
	w.arrive("pressing a key", chromedp.KeyEvent(key))
}

// Says fails the test where the page lacks any of the words, as they are seen. It gives
// a page that is about to say them time to.
func (w *Window) Says(words ...string) {
	w.Helper()
	for _, wanted := range words {
		wanted := strings.Join(strings.Fields(wanted), " ")
		for began := time.Now(); !strings.Contains(w.words(), wanted); time.Sleep(50 * time.Millisecond) {
			if time.Since(began) > patience/4 {
				w.Fatalf("%s does not say %q:\n%s", w.address(), wanted, w.words())
			}
		}
	}
}

// words are those that are seen on the page, a blank between.
func (w *Window) words() string {
	return strings.Join(strings.Fields(w.ask(`document.body ? document.body.innerText : ""`)), " ")
}

// ask evaluates an expression of text on the page; "" where there is no page to ask.
func (w *Window) ask(expression string) string {
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		return ""
	}
	return answer
}

// address is where the window is.
func (w *Window) address() string { return w.ask("location.href") }

// At waits until the window is at a path of the site that begins so.
func (w *Window) At(path string) {
	w.Helper()
	for began := time.Now(); !strings.HasPrefix(w.Path(), path); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > patience/4 {
			w.Fatalf("at %s, want %s", w.Path(), path)
		}
	}
}

// Path is where the window is, within the site.
func (w *Window) Path() string { return strings.TrimPrefix(w.address(), w.site) }

// Download clicks on the link with these words and returns the path of the file that it
// fetches, once the whole of it is there.
func (w *Window) Download(words string) string {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	dir, told := w.TempDir(), true
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, BrowserContextID: chromedp.FromContext(ctx).BrowserContextID,
		DownloadPath: dir, EventsEnabled: &told,
	})
	if err != nil {
		w.Fatalf("saying where files go: %v", err)
	}
	progress := chromedp.BrowserEvents(ctx, browser.DownloadProgress)
	w.Click(words)
	for e, err := range progress {
		switch {
		case err != nil:
			w.Fatalf("the download behind %q: %v", words, err)
		case e.State == browser.DownloadProgressStateCompleted:
			return filepath.Join(dir, e.GUID)
		case e.State != browser.DownloadProgressStateInProgress:
			w.Fatalf("the download behind %q was %s", words, e.State)
		}
	}
	w.Fatalf("the download behind %q does not end", words)
	return ""
}

// Text is the words of the one element that a CSS selector finds, blanks and line ends
// as they stand.
func (w *Window) Text(selector string) string {
	w.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	text, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS(selector)))
	if err != nil {
		w.Fatalf("reading %s on %s: %v", selector, w.address(), err)
	}
	return text
}

// Back goes back to the page before, as the button of the browser does, and waits for
// nothing: a browser may have kept that page, and not load it again.
func (w *Window) Back() {
	w.Helper()
	w.ask(`history.back(), ""`)
}

// Lacks fails the test where the page says any of the words. It looks once: what the
// page has to say first, [Window.Says] waits for.
func (w *Window) Lacks(words ...string) {
	w.Helper()
	for _, unwanted := range words {
		if strings.Contains(w.words(), unwanted) {
			w.Errorf("%s says %q:\n%s", w.address(), unwanted, w.words())
		}
	}
}
