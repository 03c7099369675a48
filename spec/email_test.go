package spec

import "testing"

// TestRow10FoldEmail: NFC, case-fold, A-label domain.
func TestRow10FoldEmail(t *testing.T) {
	tests := []struct{ address, want string }{
		{"ada@acme.example", "ada@acme.example"},
		{"Ada@ACME.Example", "ada@acme.example"},
		{"ada+cad@acme.example", "ada+cad@acme.example"},
		{"a.d.a@acme.example", "a.d.a@acme.example"},
		{"JOSE\u0301@acme.example", "josé@acme.example"},
		{"JOSÉ@acme.example", "josé@acme.example"},
		{"weiß@acme.example", "weiss@acme.example"},
		{"WEISS@acme.example", "weiss@acme.example"},
		{"Σίσυφος@acme.example", "σίσυφοσ@acme.example"},
		{"三浦@acme.example", "三浦@acme.example"},
		{"ida@straße.example", "ida@xn--strae-oqa.example"},
		{"ida@STRASSE.example", "ida@strasse.example"},
		{"ida@XN--STRAE-OQA.example", "ida@xn--strae-oqa.example"},
		{"ann@BÜCHER.example", "ann@xn--bcher-kva.example"},
		{"ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"},
		{"miura@例え.テスト", "miura@xn--r8jz45g.xn--zckzah"},
		{"i@acme。example", "i@acme.example"},
		{"\u13a0@acme.example", "\u13a0@acme.example"},
		{"\uab70@acme.example", "\u13a0@acme.example"},
		{"", ""},
		{"ada", "ada"},
		{"ÀDA", "àda"},
		{"ada@", "ada@"},
		{"É@", "é@"},
		{"a@b@É.example", "a@b@xn--9ca.example"},
	}
	for _, tt := range tests {
		if got := FoldEmail(tt.address); got != tt.want {
			t.Errorf("FoldEmail(%+q) = %+q, want %+q", tt.address, got, tt.want)
		}
		if again := FoldEmail(tt.want); again != tt.want {
			t.Errorf("FoldEmail(%+q) = %+q: folded twice is not folded once", tt.want, again)
		}
	}
}

// TestRow10Addresses: what is accepted is kept as written.
func TestRow10Addresses(t *testing.T) {
	addresses := []string{
		"ada@acme.example", "Ada.Lovelace+cad@Acme.Example", "o'neill@acme.example", "a@b.c.d.example", "miura@例え.テスト",
		"三浦@acme.example", "josé@bücher.example", "jose\u0301@acme.example", "عمر@acme.example", "x@xn--bcher-kva.example", "{a|b}~!#$%&*/=?^_`@acme.example",
	}
	for _, address := range addresses {
		roster := resolved(t, map[string]string{"a.yaml": `{"apiVersion": "usher/v1", "kind": "User", "metadata": {"name": "u"}, ` +
			`"spec": {"email": "` + address + `", "firstName": "F", "lastName": "L"}}`})
		if got := roster.Users[0].Email; got != address {
			t.Errorf("%+q is kept as %+q", address, got)
		}
	}
}

func FuzzFoldEmail(f *testing.F) {
	for _, seed := range []string{
		"ada@acme.example", "JOSE\u0301@bücher.example", "weiß@straße.example", "\u0345\u0301@x", "ſ@K.example", "İ@İ", "a@\xff", "@", "ᾳ\u0345\u0300",
		"x@xn--a.example", "x@XN--STRAE-OQA", "x@例え。テスト", "a\u0338=@b", "ẞ", "ﬃ@x", "\u1e9e@\u1e9e.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		once := FoldEmail(address)
		if twice := FoldEmail(once); twice != once {
			t.Errorf("%+q folds to %+q, and that to %+q", address, once, twice)
		}
	})
}
