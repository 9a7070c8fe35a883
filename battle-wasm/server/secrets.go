package server

import (
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/blake2s"

	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// Cookies are good for one to two periods, in ns.
const cookiePeriod = 10 * second

// seedSize is how much entropy the secrets take: a key each.
const seedSize = 2 * blake2s.Size

// secrets makes cookies and tokens. Both come from keyed BLAKE2s, a MAC and so a pseudo-random function: crypto/hmac with
// crypto/sha256 would do as well, but brings half a megabyte of FIPS machinery into the module.
type secrets struct {
	cookies, tokens hash.Hash
	counter         uint64
	in              [8 + 8 + 6]byte // what is hashed; here, so that it is not allocated
	out             [blake2s.Size]byte
}

func newSecrets(seed *[seedSize]byte) (*secrets, error) {
	cookies, err := blake2s.New128(seed[:blake2s.Size])
	if err != nil {
		return nil, err
	}
	tokens, err := blake2s.New128(seed[blake2s.Size:])
	if err != nil {
		return nil, err
	}
	return &secrets{cookies: cookies, tokens: tokens}, nil
}

// token makes a number that nobody can guess, whatever others he has seen. It is never 0.
func (s *secrets) token() uint64 {
	for {
		s.counter++
		binary.LittleEndian.PutUint64(s.in[:], s.counter)
		s.tokens.Reset()
		_, _ = s.tokens.Write(s.in[:8]) // a hash does not fail
		if t := binary.LittleEndian.Uint64(s.tokens.Sum(s.out[:0])); t != 0 {
			return t
		}
	}
}

// cookie fills in the cookie of an address and a nonce at a time.
func (s *secrets) cookie(c *[wire.CookieSize]byte, addr transport.Addr, nonce uint64, now int64) {
	s.cookieOf(c, addr, nonce, now/cookiePeriod)
}

func (s *secrets) cookieOf(c *[wire.CookieSize]byte, addr transport.Addr, nonce uint64, period int64) {
	binary.LittleEndian.PutUint64(s.in[0:], nonce)
	binary.LittleEndian.PutUint64(s.in[8:], uint64(period))
	copy(s.in[16:], addr.IP[:])
	binary.LittleEndian.PutUint16(s.in[20:], addr.Port)
	s.cookies.Reset()
	_, _ = s.cookies.Write(s.in[:])
	copy(c[:], s.cookies.Sum(s.out[:0]))
}

// validCookie is whether a cookie was made for this address and nonce, not long ago. It takes the same time wherever the cookie is wrong.
func (s *secrets) validCookie(c *[wire.CookieSize]byte, addr transport.Addr, nonce uint64, now int64) bool {
	valid := false
	for _, period := range [...]int64{now / cookiePeriod, now/cookiePeriod - 1} {
		var want [wire.CookieSize]byte
		s.cookieOf(&want, addr, nonce, period)
		diff := byte(0)
		for i := range want {
			diff |= want[i] ^ c[i]
		}
		valid = valid || diff == 0
	}
	return valid
}
