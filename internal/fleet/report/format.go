package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// none stands where there is nothing to say.
const none = "–"

// millis is a time in ms with three digits that count.
func millis(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// number is the shortest way to write v.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// px is a length or place in an SVG.
func px(v float64) string { return number(math.Round(v*10) / 10) }

// money is an amount without cents, with its thousands apart.
func money(v float64) string {
	if math.Round(v) < 0 {
		return "−" + money(-v)
	}
	digits := strconv.FormatFloat(math.Abs(math.Round(v)), 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// thousands is a count with its thousands apart.
func thousands(n int) string { return money(float64(n)) }

// saved is by how many percent cost is less than baseline.
func saved(cost, baseline float64) string {
	if baseline <= 0 {
		return none
	}
	return strings.Replace(strconv.FormatFloat(100*(baseline-cost)/baseline, 'f', 0, 64), "-", "−", 1) + "%"
}

// when is a time to the minute, in UTC.
func when(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04") + " UTC"
}

// took is a duration to the second, of seconds.
func took(seconds float64) string {
	return time.Duration(math.Round(seconds) * float64(time.Second)).String()
}

// plural is n with the word for one or for many.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
