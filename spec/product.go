package spec

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
