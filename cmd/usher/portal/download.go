package portal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"usher/spec"
)

// download is one file to fetch.
type download struct {
	Title  string
	Path   string // leads to the file, for whom it is
	Host   string // where it comes from
	SHA256 string
	Size   string // "2.1 GB"; empty where it is not known
	Bytes  string // "2,147,483,648"
}

// downloads lists the files of a product under a contract.
func (s shelf) downloads(contract, product string) []download {
	p := s.Roster.Product(product)
	if p == nil {
		return nil
	}
	var list []download
	for i := range p.Downloads {
		d := &p.Downloads[i]
		target, err := targetOf(d)
		if err != nil {
			continue
		}
		list = append(list, download{
			Title: d.Title, Host: target.Host, SHA256: d.SHA256, Size: sizeInWords(d.Size), Bytes: grouped(d.Size),
			Path: strings.Join([]string{productsPath, url.PathEscape(contract), url.PathEscape(product), "downloads", fileOf(d)}, "/"),
		})
	}
	return list
}

// fileOf names a download in a path. It is only ever compared, so that nothing a
// browser sends is taken for a file or an address; and unlike a number it means the
// same file when the manifest lists them in another order.
func fileOf(d *spec.Download) string {
	sum := sha256.Sum256([]byte(d.URL))
	return fmt.Sprintf("%x", sum[:8])
}

var errNoDownload = refusal{
	http.StatusNotFound, "There is no such download for you",
	"It may have been replaced, or your access to it has ended. My products shows what is yours now.",
}

// download leads to the file, if it is the viewer's: granted and in force today, or
// of a contract that they are a steward of (DOMAIN.md row 6). It leads nowhere but
// to an address that the product's manifest names.
func (s *site) download(w http.ResponseWriter, r *http.Request) {
	catalogue, grants, err := s.holdings(r.Context(), viewerOf(r))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	shelf := shelf{catalogue, grants, spec.DayOf(s.Now())}
	contract, product := r.PathValue("contract"), r.PathValue("product")
	if !shelf.offered(contract, product) || !shelf.has(contract, product) && !may(r, stewardOf, contract) {
		s.fail(w, r, errNoDownload)
		return
	}
	target, err := shelf.find(product, r.PathValue("file"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the other site need not know of ours
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusSeeOther)
}

func (s shelf) offered(contract, product string) bool {
	c := s.Roster.Contract(contract)
	return c != nil && c.Offer(product) != nil
}

// find returns where a product's file of that name is.
func (s shelf) find(product, file string) (*url.URL, error) {
	p := s.Roster.Product(product)
	if p == nil {
		return nil, errNoDownload
	}
	for i := range p.Downloads {
		if fileOf(&p.Downloads[i]) == file {
			return targetOf(&p.Downloads[i])
		}
	}
	return nil, errNoDownload
}

// targetOf is the address of a download. Manifests take https alone; what stands in
// the state is looked at again, because a link is followed without a further thought.
func targetOf(d *spec.Download) (*url.URL, error) {
	target, err := url.Parse(d.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the address of a download: %w", err)
	}
	if target.Scheme != "https" || target.Host == "" || target.User != nil {
		return nil, errors.New("reading the address of a download: it is not https://host/path")
	}
	return target, nil
}

// sizeInWords writes a number of bytes with two digits or three: "2.1 GB", "640 MB".
func sizeInWords(bytes int64) string {
	if bytes <= 0 {
		return ""
	}
	size, units := float64(bytes), []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	unit := 0
	for size >= 999.5 && unit < len(units)-1 {
		size, unit = size/1000, unit+1
	}
	digits := 0
	if unit > 0 && size < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(size, 'f', digits, 64) + " " + units[unit]
}

// grouped writes a whole number with commas: "2,147,483,648".
func grouped[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
