package render

import "github.com/fatih/color"

// painter colours text, or leaves it alone.
type painter struct{ on bool }

func (p painter) paint(s string, attributes ...color.Attribute) string {
	if !p.on || s == "" {
		return s
	}
	c := color.New(attributes...)
	c.EnableColor()
	return c.Sprint(s)
}

func (p painter) title(s string) string { return p.paint(s, color.Bold) }
func (p painter) dim(s string) string   { return p.paint(s, color.Faint) }
func (p painter) bad(s string) string   { return p.paint(s, color.FgRed, color.Bold) }
func (p painter) warn(s string) string  { return p.paint(s, color.FgYellow) }

// sign colours a line by what its sign says.
func (p painter) sign(sign, s string) string {
	switch sign {
	case "+":
		return p.paint(s, color.FgGreen)
	case "-":
		return p.paint(s, color.FgRed)
	case "~":
		return p.paint(s, color.FgYellow)
	}
	return s
}
