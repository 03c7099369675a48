package portal

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

const firmInformation = `apiVersion: usher/v1
kind: ContractInformation
metadata: {name: design}
spec:
  number: NUMBER-4711
  term: {from: 2020-01-01, until: 2037-06-30}
  billing: BILLING yearly
  renewal: "RENEWAL by letter"
  price: PRICE-99
---
apiVersion: usher/v1
kind: ContractInformation
metadata: {name: plant}
spec: {number: PLANT-42, price: PLANTPRICE}
`

// inform gives the firm contract information in a folder of its own.
func (f *firm) inform(content string) {
	f.Helper()
	private := f.TempDir()
	f.must(os.WriteFile(filepath.Join(private, "contracts.yaml"), []byte(content), 0o600))
	f.furnish(Options{Information: reconciler.NewInformation(f.db, source.Dir(private, source.Options{Settle: time.Nanosecond}))})
}

// DOMAIN.md rows 5 and 20: the contract manager alone has the contract information.
func TestContract(t *testing.T) {
	f := newFirm(t)
	f.inform(firmInformation)
	f.uses("design", "eve", 0, 40)
	ada := f.as("ada")
	ada.get("/contracts").leads("/contracts/design")
	page := ada.get("/contracts/design")
	page.says(http.StatusOK, "Number NUMBER-4711", "from 1 January 2020 until the end of 30 June 2037", "days are left", "RENEWAL by letter", "BILLING yearly", "PRICE-99",
		"Grace Testgrace , grace@acme.example", "design-help@acme.example")
	page.lacks("PLANT")
	if got := page.figures(); got["Used"] != "40" || got["Left"] != "960" || got["Of a pool of"] != "1,000" {
		t.Errorf("credits: %v", got)
	}
	if got, want := page.tableOf("Seats of contract design, today")[1][:3], []string{"CAD 2027", "10", "2"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("seats: %v, want %v", got, want)
	}
}

// Contract information is on no other page, in nobody else's sight, and nowhere in
// the state.
func TestContractInformationLeaksNowhere(t *testing.T) {
	f := newFirm(t)
	f.inform(firmInformation)
	secrets := []string{"NUMBER-4711", "BILLING", "RENEWAL", "PRICE-99"}
	f.as("ada").get("/contracts/design").says(http.StatusOK, secrets...)
	pages := 0
	for _, row := range f.site.routes {
		if row.method != http.MethodGet || row.identify != nil {
			continue
		}
		for _, name := range []string{"ada", "grace", "olu", "thora", "eve"} {
			if name == "ada" && strings.HasPrefix(row.pattern, contractsPath) {
				continue
			}
			pages++
			f.as(name).get(concrete(row.pattern)).lacks(secrets...)
		}
	}
	if pages < 50 {
		t.Fatalf("only %d pages were looked at", pages)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(f.path), "*"))
	f.must(err)
	if len(files) < 2 {
		t.Fatalf("only %v are of the state", files)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		f.must(err)
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s has %s", filepath.Base(file), secret)
			}
		}
	}
}

// Without information, or with some that has errors, the rest of the page stays.
func TestContractWithoutInformation(t *testing.T) {
	f := newFirm(t)
	f.as("ada").get("/contracts/design").says(http.StatusOK, "None is on record.", "CAD 2027")
	f.inform(firmInformation)
	f.inform(strings.Replace(firmInformation, "price: PLANTPRICE", "prize: PLANTPRICE", 1))
	page := f.as("ada").get("/contracts/design")
	page.says(http.StatusOK, "It cannot be read at present.", "CAD 2027", "Grace Testgrace")
	page.lacks("PLANT", "prize", "NUMBER-4711")
	_, plant, _ := strings.Cut(firmInformation, "---\n")
	f.inform(plant)
	f.as("ada").get("/contracts/design").says(http.StatusOK, "None is on record.")
}

func TestSeveralContracts(t *testing.T) {
	f := newFirm(t)
	f.write("firm.yaml", strings.Replace(firmManifests, "contractManager: olu", "contractManager: ada", 1))
	_, err := f.control.Apply(f.Context(), f.owner, "")
	var held *reconciler.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("a handover: %v, want it held", err)
	}
	f.must(reconciler.Approve(f.Context(), f.db, f.owner, held.Plan.ID, "olu"))
	f.apply()
	ada := f.as("ada")
	ada.get("/contracts").says(http.StatusOK, "design", "plant")
	ada.get("/contracts/plant").says(http.StatusOK, "Pipes 2027", "no limit")
	f.as("olu").get("/contracts").says(http.StatusForbidden)
}

func TestInformationInWords(t *testing.T) {
	today := spec.Day(20000)
	for _, test := range []struct {
		until spec.Day
		left  string
		soon  bool
	}{
		{spec.Forever, "", false}, {today + 1316, "1,316 days are left", false}, {today + 91, "91 days are left", false}, {today + 90, "90 days are left", true},
		{today + 1, "1 day is left", true}, {today, "today is its last day", true}, {today - 1, "it has ended", true},
	} {
		got := informationOf(&spec.ContractInformation{Term: spec.Span{From: spec.Always, Until: test.until}}, today)
		if got.Left != test.left || got.Soon != test.soon {
			t.Errorf("%d days: %q, %v; want %q, %v", test.until-today, got.Left, got.Soon, test.left, test.soon)
		}
	}
}
