package spec

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// TestRow11NamesInAnyScript: letters of any script make a name, and ASCII digits
// may stand in it.
func TestRow11NamesInAnyScript(t *testing.T) {
	names := []string{
		"Ada", "三浦", "健", "Þóra", "عمر", "می\u200cخواهم", "O'Neill", "O’Neill", "Jean-Luc", "Σωκράτης", "Лев", "राम", "क्\u200dष", "நித்யா",
		"ქეთევან", "Nguyễn", "Zoë", "Zoe\u0308", "김민준", "ʻOkina", "Ada 2nd", "John Paul 2", "葛\U000e0100", "🙂 Ada", "St. John", "de la Cruz", "Ａｄａ", "x",
		strings.Repeat("浦", maxNameLength),
	}
	for _, name := range names {
		f, errs := Parse("a.yaml", []byte("apiVersion: usher/v1\nkind: User\nspec: {email: a@acme.example, firstName: \""+name+"\", lastName: \""+name+"\"}\n"))
		if errs != nil {
			t.Errorf("%+q: %v", name, errs)
			continue
		}
		roster, _ := Resolve([]*File{f}, today)
		if got, want := roster.Users[0].FirstName, norm.NFC.String(name); got != want {
			t.Errorf("%+q is kept as %+q, want %+q", name, got, want)
		}
	}
}

// TestRow11DigitsOfEveryScript: every decimal digit that Unicode knows is
// refused, with the ASCII digit of the same value as the hint.
func TestRow11DigitsOfEveryScript(t *testing.T) {
	digits, value := 0, 0
	for r := rune(unicode.MaxASCII + 1); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			value = 0
			continue
		}
		digits++
		reason, hint := checkPersonName("Ada" + string(r))
		if want := "Ada" + string(rune('0'+value)); reason == "" || hint != `write "`+want+`"` {
			t.Errorf("%U: reason %q, hint %q; want the hint to write %q", r, reason, hint, want)
		}
		value = (value + 1) % 10 // digits stand in runs of ten, zero first
	}
	if digits < 600 {
		t.Errorf("tried %d digits: Unicode has more", digits)
	}
	for _, r := range "²①三〇Ⅷ" {
		if reason, _ := checkPersonName("Ada" + string(r)); reason != "" {
			t.Errorf("%U is no decimal digit, yet: %s", r, reason)
		}
	}
}

func TestResourceNames(t *testing.T) {
	tests := map[string]string{ // name -> hint; "-" where it is accepted
		"ada":                             "-",
		"ada.byron":                       "-",
		"a-1.b":                           "-",
		"0":                               "-",
		"bo@acme.example":                 "-",
		strings.Repeat("a", 253):          "-",
		"Ada":                             `write "ada"`,
		"BO@acme.example":                 `write "bo@acme.example"`,
		"ann@bücher.example":              `write "ann@xn--bcher-kva.example"`,
		"ada_l":                           resourceNameHint,
		"-a":                              resourceNameHint,
		"a.":                              resourceNameHint,
		"a..b":                            resourceNameHint,
		"a b":                             resourceNameHint,
		"三浦":                              resourceNameHint,
		"a\n":                             resourceNameHint,
		"":                                resourceNameHint,
		strings.Repeat("a", 254):          "",
		"@acme.example":                   addressHint,
		"ada@" + strings.Repeat("a", 254): "",
	}
	for name, want := range tests {
		reason, hint := checkResourceName(name)
		if want == "-" {
			if reason != "" {
				t.Errorf("%q: %s", name, reason)
			}
		} else if reason == "" || hint != want {
			t.Errorf("%q: reason %q, hint %q; want the hint %q", name, reason, hint, want)
		}
	}
}

const (
	resourceNameHint = "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"
	addressHint      = "an address alone, such as ada@acme.example"
)

func TestNearest(t *testing.T) {
	known := []string{"email", "firstName", "lastName", "access", "previously"}
	tests := map[string]string{
		"emial": "email", "Email": "email", "EMAIL": "email", "e-mail": "email", "firstname": "firstName", "lastNmae": "lastName",
		"acces": "access", "previous": "previously", "surname": "", "": "", "x": "", "mail": "email",
	}
	for word, want := range tests {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest("u9", []string{"u0", "u1"}); got != "" {
		t.Errorf("half of a short name differs, yet %q is near", got)
	}
}
