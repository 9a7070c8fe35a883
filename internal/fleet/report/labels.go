package report

import "unicode/utf8"

// label is a city's name on the map.
type label struct {
	X, Y   string
	Anchor string
	Text   string
}

// box is a rectangle of the map.
type box struct{ left, top, right, bottom float64 }

func (b box) overlaps(o box) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

func around(p point, radius float64) box {
	return box{p.x - radius, p.y - radius, p.x + radius, p.y + radius}
}

// named is a place to write a name at.
type named struct {
	point
	name string
}

// placeLabels writes names at their places, the first ones first, each to the first side of its place where it covers neither a
// place nor a name; a name without such a side is left out. Size is the letters' height, radius that of the places.
func placeLabels(places []named, height, size, radius float64) []label {
	taken := make([]box, len(places), 2*len(places))
	for i, p := range places {
		taken[i] = around(p.point, radius)
	}
	var labels []label
	for _, p := range places {
		width := textWidth(p.name) * size
		gap := radius + size*.15
		for _, at := range []struct {
			anchor  string
			x, y    float64 // of the text's anchor, on its base line
			leftOff float64
		}{
			{"start", p.x + gap, p.y + size*.35, 0},
			{"end", p.x - gap, p.y + size*.35, width},
			{"middle", p.x, p.y - gap, width / 2},
			{"middle", p.x, p.y + gap + size*.75, width / 2},
		} {
			b := box{at.x - at.leftOff, at.y - size*.85, at.x - at.leftOff + width, at.y + size*.25}
			if b.left < 0 || b.top < 0 || b.right > mapWidth || b.bottom > height || overlapsAny(b, taken) {
				continue
			}
			taken = append(taken, b)
			labels = append(labels, label{px(at.x), px(at.y), at.anchor, p.name})
			break
		}
	}
	return labels
}

func overlapsAny(b box, others []box) bool {
	for _, o := range others {
		if b.overlaps(o) {
			return true
		}
	}
	return false
}

// textWidth estimates how wide a text is, in parts of its size; Han and other wide letters are as wide as high.
func textWidth(text string) float64 {
	const narrow, firstWide = .62, 0x2e80
	width := 0.0
	for _, r := range text {
		if r >= firstWide && r != utf8.RuneError {
			width++
		} else {
			width += narrow
		}
	}
	return width
}
