package report

import (
	_ "embed" // for the coastline
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/edge-arena/edge-arena/modules/config"
)

// coastlineText is the world's land from Natural Earth at 1:110m (public domain), rounded to a tenth of a degree; its head says where
// it is from, and generate_coastline.go how it was made.
//
//go:embed coastline.txt
var coastlineText string

// coastline are the rings of the world's land, parsed once.
var coastline = sync.OnceValues(func() ([][]config.Location, error) { return parseCoastline(coastlineText) })

func parseCoastline(text string) ([][]config.Location, error) {
	var rings [][]config.Location
	n := 0
	for line := range strings.Lines(text) {
		n++
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) == 0 || len(fields)%2 != 0 {
			return nil, fmt.Errorf("coastline, line %d: %d numbers are no points", n, len(fields))
		}
		var ring []config.Location
		var x, y int
		for i := 0; i < len(fields); i += 2 {
			dx, errX := strconv.Atoi(fields[i])
			dy, errY := strconv.Atoi(fields[i+1])
			if errX != nil || errY != nil {
				return nil, fmt.Errorf("coastline, line %d: %q is no point", n, fields[i]+" "+fields[i+1])
			}
			x, y = x+dx, y+dy
			ring = append(ring, config.Location{Longitude: float64(x) / 10, Latitude: float64(y) / 10})
		}
		rings = append(rings, ring)
	}
	return rings, nil
}

// land is what the map shows of the land, as an SVG path: to be filled by even-odd, for a ring may be an inland sea.
func (p projection) land() (string, error) {
	rings, err := coastline()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, ring := range rings {
		for _, turn := range []float64{-360, 0, 360} {
			points := make([]point, len(ring))
			for i, l := range ring {
				points[i] = p.project(l.Longitude+turn, l.Latitude)
			}
			for i, q := range p.clip(points) {
				command := "L"
				if i == 0 {
					command = "M"
				}
				fmt.Fprintf(&b, "%s%s %s", command, px(q.x), px(q.y))
			}
		}
	}
	return b.String(), nil
}
