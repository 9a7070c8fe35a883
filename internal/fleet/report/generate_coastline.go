//go:build ignore

// This program writes coastline.txt anew from the file land-110m.json of the npm package world-atlas:
//
//	go run generate_coastline.go land-110m.json >coastline.txt
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"strings"
)

const head = `# The world's land: Natural Earth 1:110m (naturalearthdata.com), public domain, by way of the npm package world-atlas 2.0.2 (ISC).
# Made by generate_coastline.go. A line is a ring, in tenths of a degree: longitude and latitude, then the steps to each next point.
`

// topology is TopoJSON as far as land needs it.
type topology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]float64
	Objects   struct {
		Land struct{ Geometries []struct{ Arcs [][][]int } }
	}
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var t topology
	if err := json.Unmarshal(content, &t); err != nil {
		log.Fatal(err)
	}
	fmt.Print(head)
	for _, g := range t.Objects.Land.Geometries {
		for _, polygon := range g.Arcs {
			for _, ring := range polygon {
				var points [][2]int
				for _, arc := range ring {
					points = append(points, t.arc(arc)...)
				}
				write(points)
			}
		}
	}
}

// arc returns the points of an arc; the complement of its number is the arc backwards.
func (t *topology) arc(n int) [][2]int {
	backwards := n < 0
	if backwards {
		n = ^n
	}
	var x, y float64
	points := make([][2]int, len(t.Arcs[n]))
	for i, step := range t.Arcs[n] {
		x, y = x+step[0], y+step[1]
		at := i
		if backwards {
			at = len(points) - 1 - i
		}
		tenths := func(v float64, axis int) int {
			return int(math.Round(10 * (v*t.Transform.Scale[axis] + t.Transform.Translate[axis])))
		}
		points[at] = [2]int{tenths(x, 0), tenths(y, 1)}
	}
	return points
}

// write leaves out points that rounding has made equal to the one before, and rings of which nothing is left.
func write(points [][2]int) {
	var line strings.Builder
	var last [2]int
	kept := 0
	for _, p := range points {
		if kept > 0 && p == last {
			continue
		}
		fmt.Fprintf(&line, " %d %d", p[0]-last[0], p[1]-last[1])
		last, kept = p, kept+1
	}
	if kept > 3 {
		fmt.Println(line.String()[1:])
	}
}
