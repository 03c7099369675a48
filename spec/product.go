package spec

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// ProductType is what kind of thing access is given to (DOMAIN.md row 14).
type ProductType string

// The types of product.
const (
	TypeProduct ProductType = "product"
	TypeService ProductType = "service"
	TypeBenefit ProductType = "benefit"
)

// Product is a product, service or benefit that contracts can offer.
type Product struct {
	Name      string
	Title     string // what people read; the name where the manifest gives none
	Type      ProductType
	Downloads []Download
	Origin    Origin
}

// Download is one file a product can be fetched as.
type Download struct {
	Title  string `json:"title"`
	URL    string `json:"url"`              // https only
	SHA256 string `json:"sha256,omitempty"` // 64 hexadecimal digits, lower case
	Size   int64  `json:"size,omitempty"`   // bytes; 0 where not given
}

// productManifest is what a document of kind Product may contain.
type productManifest struct {
	typeMeta
	Metadata requiredName `yaml:"metadata" validate:"required"`
	Spec     productSpec  `yaml:"spec"`
	Line     int32
	Column   int32
}

type productSpec struct {
	Title     text           `yaml:"title" validate:"max=200,line" doc:"what people read; left out: the name"`
	Type      text           `yaml:"type" validate:"omitempty,producttype" doc:"product, service or benefit; left out: product"`
	Downloads []downloadSpec `yaml:"downloads" validate:"dive" doc:"what people who have it may download"`
}

type downloadSpec struct {
	Title  text  `yaml:"title" validate:"required,max=200,line" doc:"what people read"`
	URL    text  `yaml:"url" validate:"required,httpsurl" doc:"where it is, by https and without a password"`
	SHA256 text  `yaml:"sha256" validate:"omitempty,digest" doc:"SHA-256 of the file, 64 hexadecimal digits"`
	Size   int64 `yaml:"size" validate:"min=0" doc:"bytes"`
}

func (m *productManifest) finish(_ *decoder, root *yaml.Node) {
	m.Line, m.Column = int32(root.Line), int32(root.Column)
}

func (m *productManifest) product(file string) Product {
	p := Product{
		Name:   m.Metadata.Name.Value,
		Title:  cmp.Or(m.Spec.Title.Value, m.Metadata.Name.Value),
		Type:   cmp.Or(ProductType(m.Spec.Type.Value), TypeProduct),
		Origin: Origin{File: file, Line: m.Line, Column: m.Column},
	}
	for _, d := range m.Spec.Downloads {
		p.Downloads = append(p.Downloads, Download{
			Title: d.Title.Value, URL: d.URL.Value, SHA256: strings.ToLower(d.SHA256.Value), Size: d.Size,
		})
	}
	return p
}

func checkProductType(t string) (reason, hint string) {
	known := []string{string(TypeProduct), string(TypeService), string(TypeBenefit)}
	if slices.Contains(known, t) {
		return "", ""
	}
	if near := Nearest(t, known); near != "" {
		return fmt.Sprintf("unknown type %q", t), fmt.Sprintf("did you mean %s?", near)
	}
	return fmt.Sprintf("unknown type %q", t), "one of " + strings.Join(known, ", ")
}

// checkURL accepts an absolute https address without credentials in it.
func checkURL(s string) (reason, hint string) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Sprintf("%q is not an https address", s), "downloads are linked by https://host/path, without a password"
	}
	return "", ""
}

func checkSHA256(s string) (reason, hint string) {
	if b, err := hex.DecodeString(s); err == nil && len(b) == 32 {
		return "", ""
	}
	return fmt.Sprintf("%q is not a SHA-256", shorten(s, 20)), "64 hexadecimal digits, as sha256sum prints"
}

func (r *resolver) declareProducts() {
	var all []Product
	for _, f := range r.files {
		for i := range f.products {
			all = append(all, f.products[i].product(f.Path))
		}
	}
	r.roster.Products = unique(r, "Product", all, func(p *Product) (string, Origin) { return p.Name, p.Origin })
}
