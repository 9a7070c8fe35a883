// Package chart draws what a benchmark has measured, as SVG that is legible on a light and on a dark page: its colors follow what the reader's
// system prefers, and it has no ground of its own.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Measures of all charts, in px.
const (
	width, height = 760.0, 360.0
	left, right   = 64.0, 20.0
	top, bottom   = 56.0, 56.0
)

// most is how many series there are colors for. They can be told apart by those who see fewer colors, too.
const most = 10

const style = `<style>
text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}.note{fill:#59636e}
.axis{stroke:#59636e}.grid{stroke:#59636e;stroke-opacity:.25}.line{fill:none;stroke-width:2}
.c0{--c:#0969da}.c1{--c:#bc4c00}.c2{--c:#1a7f37}.c3{--c:#8250df}.c4{--c:#bf3989}.c5{--c:#4d6b8a}.c6{--c:#9a6700}.c7{--c:#1b7c83}.c8{--c:#cf222e}.c9{--c:#6e7781}
.line{stroke:var(--c)}.bar,.key{fill:var(--c)}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.axis,.grid{stroke:#9198a1}
.c0{--c:#4493f8}.c1{--c:#f0883e}.c2{--c:#3fb950}.c3{--c:#ab7df8}.c4{--c:#db61a2}.c5{--c:#a5c8ea}.c6{--c:#d29922}.c7{--c:#39c5cf}.c8{--c:#f85149}.c9{--c:#8b949e}}
</style>`

// drawing is an SVG document that is being written.
type drawing struct{ b strings.Builder }

func newDrawing(title, description string) *drawing {
	d := &drawing{}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, height, html.EscapeString(title+": "+description))
	d.b.WriteString(style + "\n")
	d.text(left, 22, "title", "start", title)
	return d
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *drawing) text(x, y float64, class, anchor, s string) {
	d.add(`<text class="%s" x="%s" y="%s" text-anchor="%s">%s</text>`, class, px(x), px(y), anchor, html.EscapeString(s))
}

// key names the series, below the title.
func (d *drawing) key(names []string) {
	x := left
	for i, name := range names {
		d.add(`<rect class="key c%d" x="%s" y="32" width="10" height="10" rx="2"/>`, i%most, px(x))
		d.text(x+15, 41, "note", "start", name)
		x += 27 + 6*float64(len([]rune(name)))
	}
}

func (d *drawing) end() []byte { return []byte(d.b.String() + "</svg>\n") }

// px writes a length to a tenth: more would make every digit that was measured show.
func px(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

// number writes a value with three digits at the most.
func number(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	s := fmt.Sprintf("%.*f", digits, v)
	if digits > 0 {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// step is a round distance of the lines of a grid, so that there are four to ten up to a value.
func step(most float64) float64 {
	if most <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, f := range []float64{.1, .2, .25, .5, 1} {
		if most/(unit*f) <= 8 {
			return unit * f
		}
	}
	return 2 * unit
}
