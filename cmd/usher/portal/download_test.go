package portal

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"usher/spec"
)

const cadFile = "https://downloads.acme.example/cad.exe"

// pathOf is where the portal has the one download of the firm.
func (f *firm) downloadPath() string {
	return "/products/design/cad/downloads/" + fileOf(&spec.Download{URL: cadFile})
}

// DOMAIN.md row 6: a download is for whom it was granted to, and for the stewards of
// its contract.
func TestDownloadIsForWhomItIsGranted(t *testing.T) {
	f := newFirm(t)
	for name, may := range map[string]bool{"eve": true, "ada": true, "grace": true, "olu": false, "thora": false} {
		got := f.as(name).get(f.downloadPath())
		if may {
			got.leads(cadFile)
			if got.header.Get("Referrer-Policy") != "no-referrer" || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: headers %v, want neither a referrer nor a copy", name, got.header)
			}
			continue
		}
		got.says(http.StatusNotFound, "There is no such download for you")
	}
	thora := strings.Replace(f.downloadPath(), "/design/", "/plant/", 1) // she coordinates plant, which does not offer it
	f.as("thora").get(thora).says(http.StatusNotFound, "There is no such download for you")
	shown := f.as("eve").get("/products").links()["Download CAD 2027 Windows 64-bit"]
	if shown != f.downloadPath() {
		t.Errorf("the page links to %q, want %q", shown, f.downloadPath())
	}
	f.write("people.yaml", strings.Replace(firmPeople(), "Testeve\n  access: [cad]", "Testeve", 1))
	eve := f.as("eve")
	f.apply()
	eve.get(f.downloadPath()).says(http.StatusNotFound, "There is no such download for you")
}

// Nothing that a browser sends becomes a file or an address.
func TestDownloadsLeadNowhereElse(t *testing.T) {
	f := newFirm(t)
	file := fileOf(&spec.Download{URL: cadFile})
	ada := f.as("ada") // to whom every download of design is open
	for _, path := range []string{
		"/products/design/cad/downloads/0",
		"/products/design/cad/downloads/https:%2F%2Fevil.example%2Fx",
		"/products/design/cad/downloads/%2F%2Fevil.example",
		"/products/design/cad/downloads/..%2F..%2F..%2F..%2Fetc%2Fpasswd",
		"/products/design/cad/downloads/../../../../etc/passwd",
		"/products/design/cad/downloads/" + file + "%00",
		"/products/design/cad/downloads/" + strings.ToUpper(file) + "x",
		"/products/design/cad/downloads/" + file + "/more",
		"/products/design/pipes/downloads/" + file,
		"/products/plant/cad/downloads/" + file,
		"/products/none/cad/downloads/" + file,
		"/products/%2e%2e/cad/downloads/" + file,
		"/products/design/..%2Fcad/downloads/" + file,
	} {
		got := ada.send(httptest.NewRequest(http.MethodGet, path, nil))
		to := got.to()
		if inside := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//"); to != "" && !inside {
			t.Errorf("%s leads to %q", path, to)
		}
		if to == "" && got.status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, got.status)
		}
	}
}

func TestTargetsAreHTTPS(t *testing.T) {
	for _, address := range []string{
		"", "cad.exe", "/etc/passwd", "//evil.example/x", "http://downloads.acme.example/cad.exe", "javascript:alert(1)",
		"data:text/html,x", "file:///etc/passwd", "https:///x", "https://user:secret@downloads.acme.example/x", "https://bad\nhost/",
	} {
		if target, err := targetOf(&spec.Download{URL: address}); err == nil {
			t.Errorf("%q: leads to %s, want an error", address, target)
		}
	}
	if target, err := targetOf(&spec.Download{URL: cadFile + "?v=2#x"}); err != nil || target.String() != cadFile+"?v=2#x" {
		t.Errorf("got %v, %v", target, err)
	}
}

func TestSizes(t *testing.T) {
	for bytes, want := range map[int64][2]string{
		0: {"", "0"}, 7: {"7 bytes", "7"}, 999: {"999 bytes", "999"}, 1000: {"1.0 kB", "1,000"}, 640_499_999: {"640 MB", "640,499,999"},
		999_600_000: {"1.0 GB", "999,600,000"}, 2147483648: {"2.1 GB", "2,147,483,648"}, 12_000_000_000_000: {"12 TB", "12,000,000,000,000"},
	} {
		if got := [2]string{sizeInWords(bytes), grouped(bytes)}; got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
	if got := grouped(-1234); got != "−1,234" {
		t.Errorf("-1234: %q", got)
	}
}
