package portal

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/state"
)

// planning opens the portal with planning as a watching usher does it.
func (f *firm) planning() *firm {
	f.Helper()
	f.furnish(Options{Plan: func(ctx context.Context, m *reconciler.Manifests) (*reconciler.Plan, error) {
		control := reconciler.Controller{
			DB: f.db, Source: source.Sent(m), Private: f.control.Private, Compose: f.control.Compose, Limits: f.control.Limits, Now: f.now, By: "tester",
		}
		return control.Plan(ctx)
	}})
	return f
}

// archive is a tar of files, by path.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o600})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPlanSent: the plan of what is sent is that of the same folder, and nothing is
// written.
func TestPlanSent(t *testing.T) {
	f := newFirm(t).planning()
	f.control.Limits = reconciler.Limits{Removals: reconciler.Limit{Number: 1, Set: true}}
	p := f.program(state.ScopePlan)
	people := firmPerson("ada", "") + firmPerson("grace", "") + firmPerson("olu", "") + firmPerson("thora", "  access: [cad]\n")
	f.write("people.yaml", people)
	want, err := f.control.Plan(t.Context())
	f.must(err)
	body := archive(t, map[string]string{"./firm.yaml": firmManifests, "./people.yaml": people, "README.md": "# hello"})
	stamp, err := f.db.Stamp(t.Context())
	f.must(err)
	for _, sent := range []struct {
		body    []byte
		headers []string
	}{
		{body, []string{"Content-Type", "application/x-tar"}},
		{gzipped(t, body), []string{"Content-Type", "application/x-tar", "Content-Encoding", "gzip"}},
		{gzipped(t, body), []string{"Content-Type", "application/gzip"}},
	} {
		got := into[reconciler.Plan](p.ask(http.MethodPost, "/api/v1/plan", sent.body, sent.headers...), http.StatusOK)
		if got.ID != want.ID || got.Summary != want.Summary || got.Revision.Digest != want.Revision.Digest || len(got.Held) == 0 || len(got.Held) != len(want.Held) {
			t.Errorf("%v: plan %s (%+v, %d rules), want %s (%+v, %d rules)", sent.headers, got.ID, got.Summary, len(got.Held), want.ID, want.Summary, len(want.Held))
		}
		if diff := cmp.Diff(want.People, got.People); diff != "" {
			t.Errorf("people (-want +got):\n%s", diff)
		}
	}
	after, err := f.db.Stamp(t.Context())
	f.must(err)
	holds, err := f.db.Holds(t.Context(), true)
	f.must(err)
	if after != stamp || len(holds) != 0 {
		t.Errorf("planning wrote something: audit %d to %d, holds %v", stamp, after, holds)
	}
}

func TestPlanRefused(t *testing.T) {
	f := newFirm(t).planning()
	p := f.program(state.ScopePlan)
	plain := []string{"Content-Type", "application/x-tar"}
	tests := []struct {
		name    string
		body    []byte
		headers []string
		status  int
		says    string
	}{
		{"invalid", archive(t, map[string]string{"a.yaml": "apiVersion: usher/v1\nkind: Usr\n"}), plain, 422, "urn:usher:problem:invalid-manifests"},
		{"invalid, what is meant", archive(t, map[string]string{"a.yaml": "apiVersion: usher/v1\nkind: Usr\n"}), plain, 422, "did you mean User?"},
		{"no archive", []byte("hello"), plain, 400, "urn:usher:problem:invalid-archive"},
		{"leads out", archive(t, map[string]string{"../a.yaml": ""}), plain, 400, "no path below it"},
		{"not gzipped", archive(t, nil), []string{"Content-Type", "application/gzip"}, 400, "urn:usher:problem:invalid-archive"},
		{"another kind", []byte("{}"), []string{"Content-Type", "application/json"}, 415, "application/x-tar"},
		{"another coding", []byte("x"), []string{"Content-Type", "application/x-tar", "Content-Encoding", "br"}, 415, "gzip is taken"},
		{"too large", bytes.Repeat([]byte{0}, source.MaxArchiveSent+1), plain, 413, ""},
		{"unpacks to too much", gzipped(t, bytes.Repeat([]byte{0}, source.MaxArchiveBytes+1<<20)), []string{"Content-Type", "application/gzip"}, 413, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.ask(http.MethodPost, "/api/v1/plan", tt.body, tt.headers...).complains(tt.status, tt.says)
		})
	}
}

// TestPlanQuotesNoContractInformation: it is for the contract manager alone
// (DOMAIN.md row 5), and a token is nobody's.
func TestPlanQuotesNoContractInformation(t *testing.T) {
	f := newFirm(t)
	private := t.TempDir()
	f.control.Private = source.Dir(private, source.Options{})
	secret := "apiVersion: usher/v1\nkind: ContractInformation\nmetadata: {name: design}\nspec: {contract: desing-7731, number: \"7731\"}\n"
	f.must(os.WriteFile(filepath.Join(private, "design.yaml"), []byte(secret), 0o600))
	f.planning()
	body := archive(t, map[string]string{"firm.yaml": firmManifests, "people.yaml": firmPeople()})
	got := f.program(state.ScopePlan).ask(http.MethodPost, "/api/v1/plan", body, "Content-Type", "application/x-tar")
	got.complains(http.StatusConflict, "urn:usher:problem:contract-information")
	if bytes.Contains([]byte(got.body), []byte("7731")) {
		t.Errorf("the problem quotes contract information: %s", got.body)
	}
}

// TestPlansTakeTurns: while one is made, another waits, and not for ever.
func TestPlansTakeTurns(t *testing.T) {
	f := newFirm(t).planning()
	f.site.patience = 1
	f.site.planning <- struct{}{}
	got := f.program(state.ScopePlan).ask(http.MethodPost, "/api/v1/plan", archive(t, nil), "Content-Type", "application/x-tar")
	got.complains(http.StatusServiceUnavailable)
	if got.header.Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
}

// TestFaultsAreNotQuoted: what is nobody's business is logged, not shown.
func TestFaultsAreNotQuoted(t *testing.T) {
	f := newFirm(t)
	f.furnish(Options{Plan: func(context.Context, *reconciler.Manifests) (*reconciler.Plan, error) {
		return nil, fmt.Errorf("opening /var/lib/usher: disk on fire")
	}})
	got := f.program(state.ScopePlan).ask(http.MethodPost, "/api/v1/plan", archive(t, nil), "Content-Type", "application/x-tar")
	got.complains(http.StatusInternalServerError, "Something went wrong here")
	if bytes.Contains([]byte(got.body), []byte("fire")) {
		t.Errorf("the problem quotes a fault: %s", got.body)
	}
}
