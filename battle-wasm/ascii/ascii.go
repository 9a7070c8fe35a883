// Package ascii reads text as protocols have it. Packages strconv, bytes and unicode do the same for all of Unicode, and would make the module 70 kB larger.
package ascii

// Uint reads a whole number of digits alone, of at most most.
func Uint[T string | []byte](s T, most uint64) (n uint64, ok bool) {
	if len(s) == 0 {
		return 0, false
	}
	for i := range len(s) {
		d := uint64(s[i] - '0')
		if d > 9 || n > (most-d)/10 || d > most {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// Int reads a whole number that may have a sign, within ±10⁹: an int of the module has 32 bits.
func Int(s string) (n int, ok bool) {
	sign := 1
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	u, ok := Uint(s, 1e9)
	return sign * int(u), ok
}

// Equal says whether b is the text, whose letters are small, in letters of any case.
func Equal(b []byte, text string) bool {
	if len(b) != len(text) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != text[i] {
			return false
		}
	}
	return true
}

// Field cuts the first word off b: what there is between blanks.
func Field(b []byte) (word, rest []byte) {
	b = Trim(b)
	for i, c := range b {
		if blank(c) {
			return b[:i], b[i:]
		}
	}
	return b, nil
}

// Trim cuts blanks off both ends.
func Trim(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// Quote writes a text between quotes; what is not printable ASCII is written as its number.
func Quote(s string) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f:
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
