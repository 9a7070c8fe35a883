package report

import (
	"math"
	"slices"

	"github.com/edge-arena/edge-arena/modules/config"
)

// The map's width, and between what its height is, in units of its SVG.
const (
	mapWidth     = 1000.0
	mapMinHeight = 420.0
	mapMaxHeight = 720.0
)

// leastSpan is how many degrees a map shows at least: around a single city there should be some coast to know it by.
const leastSpan = 12.0

// point is a place on the map.
type point struct{ x, y float64 }

// projection maps degrees to the map: equirectangular, with the scale true at the middle latitude.
type projection struct {
	west, north float64
	// x and y are units for each degree.
	x, y   float64
	height float64
}

// fit shows all locations, of which there must be one, with a margin.
func fit(locations []config.Location) projection {
	west, width := longitudes(locations)
	south, north := math.Inf(1), math.Inf(-1)
	for _, l := range locations {
		south, north = min(south, l.Latitude), max(north, l.Latitude)
	}
	middle := (south + north) / 2
	// How much shorter a degree of longitude is. Near the poles it would vanish, and the map with it.
	squeeze := max(.2, math.Cos(middle*math.Pi/180))
	center := west + width/2
	w, h := max(leastSpan, width*squeeze*1.16), max(leastSpan*mapMinHeight/mapWidth, (north-south)*1.16)
	w = max(w, h*mapWidth/mapMaxHeight)
	h = max(h, w*mapMinHeight/mapWidth)
	unit := mapWidth / w
	return projection{west: center - w/squeeze/2, north: middle + h/2, x: unit * squeeze, y: unit, height: math.Round(h * unit)}
}

// longitudes finds the least stretch that holds all locations, also across the antimeridian: what is left when the widest gap
// between neighbors is taken out.
func longitudes(locations []config.Location) (west, width float64) {
	all := make([]float64, len(locations))
	for i, l := range locations {
		all[i] = l.Longitude
	}
	slices.Sort(all)
	west, gap := all[0], all[0]+360-all[len(all)-1]
	for i := 1; i < len(all); i++ {
		if all[i]-all[i-1] > gap {
			west, gap = all[i], all[i]-all[i-1]
		}
	}
	return west, 360 - gap
}

// at is where a location lies on the map.
func (p projection) at(l config.Location) point {
	east := math.Mod(math.Mod(l.Longitude-p.west, 360)+360, 360)
	return p.project(p.west+east, l.Latitude)
}

// project does not wrap: coasts go around the world piece by piece.
func (p projection) project(lon, lat float64) point {
	return point{(lon - p.west) * p.x, (p.north - lat) * p.y}
}

// clip cuts a ring to the map and a little around it, where the cut's own line is out of sight (Sutherland and Hodgman).
func (p projection) clip(ring []point) []point {
	const around = 10
	for _, side := range []func(point) float64{
		func(q point) float64 { return q.x + around },
		func(q point) float64 { return mapWidth + around - q.x },
		func(q point) float64 { return q.y + around },
		func(q point) float64 { return p.height + around - q.y },
	} {
		ring = clipSide(ring, side)
	}
	return ring
}

// clipSide keeps what is inside, where inside is not negative.
func clipSide(ring []point, inside func(point) float64) []point {
	var out []point
	for i, b := range ring {
		a := ring[(i+len(ring)-1)%len(ring)]
		da, db := inside(a), inside(b)
		if da*db < 0 {
			t := da / (da - db)
			out = append(out, point{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)})
		}
		if db >= 0 {
			out = append(out, b)
		}
	}
	return out
}
