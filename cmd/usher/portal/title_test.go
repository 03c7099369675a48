package portal

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTitlesAreFoundWherePeopleLook(t *testing.T) {
	want := []string{
		"3ds Max", "Ärger", "AutoCAD", "AutoCAD 2026", "AutoCAD 2027", "AutoCAD LT", "cad", "Eclipse", "Élan", "ELAN 2", "Emu",
		"Lisp", "Łódź", "LUA", "Oslo", "Østerbro", "Otto", "Product 2", "product 3", "Product 10", "v1.9", "v1.10", "Zebra", "三浦", "健",
	}
	for range 100 {
		got := append([]string(nil), want...)
		rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		sortByTitle(got, func(s *string) string { return *s })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("order (-want +got):\n%s", diff)
		}
	}
}

// Every list of products on a page is in that order.
func TestProductsInTheOrderOfTheirNumbers(t *testing.T) {
	f := newFirm(t)
	f.write("firm.yaml", numbered(firmManifests, 12))
	f.apply()
	for page, element := range map[string]string{
		"/products": "li", "/seats": "th", "/contracts/design": "th", "/users": "option", "/users/eve/access": "label", "/users/add": "label",
	} {
		var got []string
		for _, n := range f.as("ada").get(page).elements(element, "") {
			if text := textOf(n); text == "Product number 2" || text == "Product number 10" {
				got = append(got, text)
			}
		}
		if len(got) < 2 || got[0] != "Product number 2" || got[1] != "Product number 10" {
			t.Errorf("%s lists %q", page, got)
		}
	}
}
