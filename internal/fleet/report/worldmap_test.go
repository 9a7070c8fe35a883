package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/modules/config"
)

func TestProjection(t *testing.T) {
	t.Parallel()
	loc := func(lat, lon float64) config.Location { return config.Location{Latitude: lat, Longitude: lon} }
	tests := map[string]struct {
		locations []config.Location
		// west and east are the map's edges, in degrees.
		west, east float64
		height     float64
	}{
		"one city is in the middle":           {[]config.Location{loc(0, 100)}, 94, 106, 420},
		"its degrees are narrow in the north": {[]config.Location{loc(60, 100)}, 88, 112, 420},
		"wide":                                {[]config.Location{loc(0, 0), loc(0, 100)}, -8, 108, 420},
		"tall":                                {[]config.Location{loc(-30, 10), loc(30, 10)}, 10 - 69.6/1.44, 10 + 69.6/1.44, 720},
		"across the antimeridian":             {[]config.Location{loc(0, 170), loc(0, -170)}, 168.4, 191.6, 420},
		"the same place twice":                {[]config.Location{loc(0, -100), loc(0, -100)}, -106, -94, 420},
		"a pole":                              {[]config.Location{loc(90, 0)}, -30, 30, 420},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := fit(tt.locations)
			require.InDelta(t, tt.west, p.west, .01)
			require.InDelta(t, tt.east, p.west+mapWidth/p.x, .01)
			require.InDelta(t, tt.height, p.height, .5)
			for _, l := range tt.locations {
				at := p.at(l)
				require.True(t, at.x > 0 && at.x < mapWidth && at.y > 0 && at.y < p.height, "%v is off the map: %v", l, at)
			}
		})
	}
}

func TestProjectionKeepsNorthUpAndEastRight(t *testing.T) {
	t.Parallel()
	beijing, guangzhou := config.Location{Latitude: 39.9, Longitude: 116.4}, config.Location{Latitude: 23.13, Longitude: 113.26}
	p := fit([]config.Location{beijing, guangzhou})
	b, g := p.at(beijing), p.at(guangzhou)
	require.Less(t, b.y, g.y)
	require.Greater(t, b.x, g.x)
	// The middle is the middle, and a degree east is as much shorter than one north as it is on Earth there.
	require.InDelta(t, mapWidth, b.x+g.x, .01)
	require.InDelta(t, p.height, b.y+g.y, .5)
	require.InDelta(t, math.Cos(31.515*math.Pi/180), p.x/p.y, 1e-9)
}

func TestClip(t *testing.T) {
	t.Parallel()
	p := projection{height: 500}
	require.Empty(t, p.clip([]point{{-50, -50}, {-40, -50}, {-40, -40}}))
	inside := []point{{1, 1}, {2, 1}, {2, 2}}
	require.ElementsMatch(t, inside, p.clip(inside))
	require.ElementsMatch(t, []point{{-10, -10}, {1010, -10}, {1010, 510}, {-10, 510}}, p.clip([]point{{-9e3, -9e3}, {9e3, -9e3}, {9e3, 9e3}, {-9e3, 9e3}}))
}

func TestCoastline(t *testing.T) {
	t.Parallel()
	rings, err := coastline()
	require.NoError(t, err)
	require.Greater(t, len(rings), 100)
	require.Less(t, len(coastlineText), 60_000)
	for _, ring := range rings {
		for _, l := range ring {
			require.True(t, math.Abs(l.Latitude) <= 90 && math.Abs(l.Longitude) <= 180, "%v is not on Earth", l)
		}
	}
	land := func(lat, lon float64) bool {
		odd := false
		for _, ring := range rings {
			for i, b := range ring {
				a := ring[(i+len(ring)-1)%len(ring)]
				if (a.Latitude > lat) != (b.Latitude > lat) && lon < a.Longitude+(lat-a.Latitude)/(b.Latitude-a.Latitude)*(b.Longitude-a.Longitude) {
					odd = !odd
				}
			}
		}
		return odd
	}
	require.True(t, land(39.9, 116.4), "Beijing")
	require.True(t, land(19.3, 109.7), "Hainan")
	require.False(t, land(30, 125), "the East China Sea")
	require.False(t, land(42, 50.5), "the Caspian Sea")
}

func TestParseCoastlineNamesTheLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"# head\n1 2 3\n": "coastline, line 2: 3 numbers are no points",
		"1 x\n":           `coastline, line 1: "1 x" is no point`,
	} {
		_, err := parseCoastline(text)
		require.EqualError(t, err, want)
	}
}

func TestPlaceLabels(t *testing.T) {
	t.Parallel()
	const size, radius = 12, 7
	at := func(x, y float64, name string) named { return named{point{x, y}, name} }
	tests := map[string]struct {
		places []named
		want   []string // each label's anchor and text
	}{
		"right of it":               {[]named{at(500, 200, "a")}, []string{"start a"}},
		"left at the right edge":    {[]named{at(990, 200, "long-name")}, []string{"end long-name"}},
		"left of a neighbor":        {[]named{at(500, 200, "a"), at(514, 200, "b")}, []string{"end a", "start b"}},
		"none in a crowd":           {[]named{at(500, 200, "aa"), at(486, 200, ""), at(514, 200, ""), at(500, 186, ""), at(500, 214, "")}, []string{}},
		"the first one has its way": {[]named{at(960, 200, "first"), at(960, 201, "second")}, []string{"end first", "middle second"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := []string{}
			for _, l := range placeLabels(tt.places, 400, size, radius) {
				if l.Text != "" {
					got = append(got, l.Anchor+" "+l.Text)
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTextWidth(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 2, textWidth("杭州"), 1e-9)
	require.InDelta(t, 4*.62, textWidth("hang"), 1e-9)
}

func TestDegrees(t *testing.T) {
	t.Parallel()
	require.Equal(t, "30°N", degrees(30, "N", "S"))
	require.Equal(t, "5°W", degrees(around180(355), "E", "W"))
	require.Equal(t, "170°W", degrees(around180(190), "E", "W"))
	require.Equal(t, "0°", degrees(0, "E", "W"))
}
