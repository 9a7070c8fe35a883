package dashboard

import (
	"math"
	"strconv"
	"time"
)

// format writes a value in one of Grafana's units.
func format(v float64, unit string) string {
	switch unit {
	case "s":
		return formatSeconds(v)
	case "percentunit":
		return digits(v*100) + " %"
	case "bytes":
		return scaled(v, 1024, []string{" B", " KiB", " MiB", " GiB", " TiB"})
	case "Bps":
		return scaled(v, 1000, []string{" B/s", " kB/s", " MB/s", " GB/s"})
	case "ops", "reqps", "pps", "hertz":
		return scaled(v, 1000, []string{"", " k", " M"}) + map[string]string{"ops": "/s", "reqps": " req/s", "pps": " p/s", "hertz": " Hz"}[unit]
	case "bool_yes_no":
		if v == 0 {
			return "no"
		}
		return "yes"
	default:
		return scaled(v, 1000, []string{"", " k", " M", " G"})
	}
}

// scaled writes a value in the largest of units, each base times the one before, of which there is at least one.
func scaled(v, base float64, units []string) string {
	i := 0
	for ; i < len(units)-1 && math.Abs(v) >= base; i++ {
		v /= base
	}
	return digits(v) + units[i]
}

// digits writes three of them.
func digits(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e6 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func formatSeconds(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0 s"
	case a < 1e-3:
		return digits(v*1e6) + " µs"
	case a < 1:
		return digits(v*1e3) + " ms"
	case a < 120:
		return digits(v) + " s"
	default:
		return (time.Duration(v) * time.Second).String()
	}
}
