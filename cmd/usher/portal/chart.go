package portal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// chart is a drawing of numbers over time, as shapes in a box. It is made here, so
// that it needs no script, and a table beside it says the same in words.
type chart struct {
	Width, Height int
	Label         string // what it shows, for whoever does not see it
	Shapes        []chartShape
	Texts         []chartText
}

// chartShape is a line through points, or without points a rectangle.
type chartShape struct {
	Class      string // see portal.css
	Points     string // "0,10 20,30"
	X, Y, W, H string
}

// chartText is a label; Anchor is start, middle or end.
type chartText struct {
	X, Y   string
	Anchor string
	Text   string
}

// Where the drawing stands in its box.
const (
	chartTop    = 14
	chartBottom = 22 // for the labels below
	chartLeft   = 46 // for the numbers beside
	chartRight  = 6
)

// plot places values in a chart.
type plot struct {
	*chart
	most  int64 // the greatest value, rounded up
	slots int   // how many places there are side by side
}

// newPlot begins a chart for values up to most in some slots, with its axis.
func newPlot(width, height, slots int, most int64, label string) *plot {
	p := &plot{&chart{Width: width, Height: height, Label: label}, roundUp(most), slots}
	for _, value := range []int64{0, p.most} {
		y := fixed(p.y(value))
		p.Shapes = append(p.Shapes, chartShape{Class: "axis", Points: fmt.Sprintf("%d,%s %d,%s", chartLeft, y, width-chartRight, y)})
		p.Texts = append(p.Texts, chartText{X: strconv.Itoa(chartLeft - 6), Y: fixed(p.y(value) + 4), Anchor: "end", Text: brief(value)})
	}
	return p
}

// roundUp is the least number of the kind 1, 2, 3, 4, 5, 6, 8 or 10 times a power of
// ten that is not below n.
func roundUp(n int64) int64 {
	for power := int64(1); power <= math.MaxInt64/100; power *= 10 {
		for _, step := range []int64{1, 2, 3, 4, 5, 6, 8} {
			if n <= step*power {
				return step * power
			}
		}
	}
	return math.MaxInt64
}

// brief writes a number in little room: 950, 12.5k, 3M.
func brief(n int64) string {
	for _, unit := range []struct {
		from, size int64
		name       string
	}{{1_000_000_000, 1_000_000_000, "G"}, {1_000_000, 1_000_000, "M"}, {10_000, 1_000, "k"}} {
		if n >= unit.from {
			return fixed(float64(n)/float64(unit.size)) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// x is where a slot begins; slot p.slots is the right edge.
func (p *plot) x(slot float64) float64 {
	return chartLeft + slot*float64(p.Width-chartLeft-chartRight)/float64(p.slots)
}

func (p *plot) y(value int64) float64 {
	height := float64(p.Height - chartTop - chartBottom)
	return chartTop + height*(1-float64(value)/float64(max(p.most, 1)))
}

// bar draws a value in a slot, from another value up.
func (p *plot) bar(class string, slot int, from, to int64) {
	if to <= from {
		return
	}
	gap := (p.x(1) - p.x(0)) * .16
	left, right := p.x(float64(slot))+gap, p.x(float64(slot+1))-gap
	p.Shapes = append(p.Shapes, chartShape{
		Class: class, X: fixed(left), Y: fixed(p.y(to)), W: fixed(right - left), H: fixed(p.y(from) - p.y(to)),
	})
}

// steps draws values that hold from the beginning of a slot to its end. A value
// below zero is a gap.
func (p *plot) steps(class string, first int, values []int64) {
	var points []string
	end := func() {
		if len(points) > 0 {
			p.Shapes = append(p.Shapes, chartShape{Class: class, Points: strings.Join(points, " ")})
		}
		points = nil
	}
	for i, value := range values {
		if value < 0 {
			end()
			continue
		}
		y := fixed(p.y(value))
		points = append(points, fixed(p.x(float64(first+i)))+","+y, fixed(p.x(float64(first+i+1)))+","+y)
	}
	end()
}

// below labels a slot.
func (p *plot) below(slot int, text string) {
	anchor, x := "middle", p.x(float64(slot)+.5)
	switch slot {
	case 0:
		anchor, x = "start", p.x(0)
	case p.slots - 1:
		anchor, x = "end", p.x(float64(p.slots))
	}
	p.Texts = append(p.Texts, chartText{X: fixed(x), Y: strconv.Itoa(p.Height - 6), Anchor: anchor, Text: text})
}

// fixed writes a coordinate.
func fixed(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }
