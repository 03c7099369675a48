package spec

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"
	"gopkg.in/yaml.v3"
)

// rule judges one string. It returns what is wrong with it, "" when nothing is,
// and where it can, what to do about it.
type rule func(value string) (reason, hint string)

// rules are the field rules of our own, by the name that struct tags use.
var rules = map[string]rule{
	"resourcename": checkResourceName,
	"address":      checkAddress,
	"personname":   checkPersonName,
	"line":         checkLine,
	"signingkey":   checkSigningKey,
	"producttype":  checkProductType,
	"httpsurl":     checkURL,
	"digest":       checkSHA256,
}

// validation is go-playground/validator with our rules and the manifests' own
// field names; made once, safe for concurrent use.
var validation = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("yaml") })
	v.RegisterCustomTypeFunc(func(f reflect.Value) any { return f.Field(0).String() }, text{})
	for name, check := range rules {
		err := v.RegisterValidation(name, func(fl validator.FieldLevel) bool {
			reason, _ := check(fl.Field().String())
			return reason == ""
		})
		if err != nil {
			panic(err) // a rule's name is empty or reserved: seen by the first test
		}
	}
	return v
})

// validate applies the struct tags of a decoded manifest and reports each
// failure at the value concerned. Where decoding failed before, a field may be
// missing for that reason alone, so only whole documents are held to be complete.
func (d *decoder) validate(root *yaml.Node, m any, whole bool) {
	err := validation().Struct(m)
	if err == nil {
		return
	}
	var failures validator.ValidationErrors
	if !errors.As(err, &failures) {
		panic(err) // not a struct: a mistake of ours
	}
	for _, f := range failures {
		if f.Tag() == "required" && !whole {
			continue
		}
		_, path, _ := strings.Cut(f.Namespace(), ".")
		node, found := locate(root, path)
		d.invalid(node, found, path, f)
	}
}

// invalid words one failure of validation.
func (d *decoder) invalid(n *yaml.Node, found bool, path string, f validator.FieldError) {
	value := fmt.Sprint(f.Value())
	check, ours := rules[f.Tag()]
	switch {
	case f.Tag() == "required" && !found:
		d.failAt(n, "required", "%s is required", path)
	case f.Tag() == "required" && f.Kind() == reflect.Int:
		d.failAt(n, "invalid-number", "%s is 0, and must be at least 1", path)
	case f.Tag() == "required":
		d.failAt(n, "required", "%s is empty", path)
	case ours:
		reason, hint := check(value)
		d.failAt(n, "invalid-"+f.Tag(), "%s: %s", f.Field(), reason).hint(hint)
	case f.Tag() == "min" && f.Kind() == reflect.Slice:
		d.failAt(n, "required", "%s is an empty list", path).hint("name at least one, or leave the field out")
	case f.Tag() == "max" && f.Kind() == reflect.String:
		d.failAt(n, "too-long", "%s has %d characters, more than %s", path, utf8.RuneCountInString(value), f.Param())
	case f.Tag() == "min" || f.Tag() == "max":
		bound := map[string]string{"min": "least", "max": "most"}[f.Tag()]
		d.failAt(n, "invalid-number", "%s is %s, and must be at %s %s", path, value, bound, f.Param())
	default:
		d.failAt(n, "invalid-"+f.Tag(), "%s does not satisfy %s", path, f.Tag())
	}
}

var pathStep = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([^.\[\]]+)|\[(\d+)\]`)
})

// locate finds the node of a path such as spec.access[2].product. Where the
// path leaves the document it returns the last mapping on the way, and false.
func locate(n *yaml.Node, path string) (*yaml.Node, bool) {
	for _, step := range pathStep().FindAllStringSubmatch(path, -1) {
		next := child(n, step[1])
		if step[2] != "" && n.Kind == yaml.SequenceNode {
			if i, _ := strconv.Atoi(step[2]); i < len(n.Content) {
				next = n.Content[i]
			}
		}
		if next == nil {
			return n, n.Kind == yaml.ScalarNode // a short form: the scalar stands for all its fields
		}
		n = next
	}
	return n, true
}
