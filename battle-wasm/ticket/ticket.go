// Package ticket is what lets a player into a battle: the lobby seals a ticket, the battle server opens it.
//
// A ticket is short-lived and bound to one player, one room and one run of one pod. It is sealed with keyed BLAKE2s, a MAC under a key that the
// city's lobby and its battle pods share: a public-key signature would cost the module half a megabyte of Go's FIPS machinery, and each join of a
// stranger a fifth of a millisecond of a core that has ticks to run. A pod that is taken over could forge tickets for its own city, and no other.
//
// Keys have numbers, so that they can be changed while players hold tickets: what seals uses the first key, what opens takes all.
package ticket

import (
	"encoding/binary"
	"errors"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/blake2s"

	"github.com/edge-arena/edge-arena/battle-wasm/ascii"
)

// Size is the length of a sealed ticket in bytes.
const Size = 1 + 1 + 8 + 2 + 16 + 16 + 8 + 8 + MACSize

// MACSize is the length of a MAC in bytes.
const MACSize = blake2s.Size128

// version is the first byte of a sealed ticket.
const version = 1

// AnyRoom is the room of a ticket that is for whichever place is free: that of a bot that measures. Its battle is not a players' battle, and no
// result of it is kept.
const AnyRoom = 0xFFFF

// ID is the identity of a battle or of a player: random, or a pseudonym, and so never a name.
type ID [16]byte

// String is the identity in hexadecimal.
func (id ID) String() string { return string(id.Append(nil)) }

// Append appends what [ID.String] returns.
func (id ID) Append(b []byte) []byte { return appendHex(b, id[:]) }

// ParseID reads what [ID.String] writes.
func ParseID(s string) (ID, error) {
	var id ID
	if !decodeHex(id[:], s) {
		return ID{}, errors.New("identity must be 32 hexadecimal digits")
	}
	return id, nil
}

// Ticket is a place for a player.
type Ticket struct {
	// Pod is the run of the pod that the ticket is for: a number that each start of a battle server makes anew.
	Pod uint64
	// Room is the room's number, or [AnyRoom].
	Room uint16
	// Battle is the battle that is fought there. All zero with [AnyRoom].
	Battle ID
	// Player is who may come.
	Player ID
	// Serial tells the ticket from all others: it is taken once.
	Serial uint64
	// Expires is when the ticket is worth nothing any more, in ms since 1970.
	Expires int64
}

// The reasons for which a ticket is not taken. [Keys.Open] returns them unwrapped.
var (
	ErrFormat  = errors.New("ticket has another format")
	ErrKey     = errors.New("ticket is sealed with an unknown key")
	ErrAltered = errors.New("ticket is forged or altered")
)

// Key is a key with its number.
type Key struct {
	number uint8
	mac    hash.Hash
}

// Keys are the keys of a city: the first seals, all open. They are not for more than one goroutine.
type Keys struct {
	keys []Key
	sum  [MACSize]byte
}

// keySize is the length of a key in bytes.
const keySize = blake2s.Size

// ParseKeys reads keys as `number:hex` with 64 hexadecimal digits each, separated by commas, the one to seal with first. An error does
// not quote them.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{}
	if text == "" {
		return nil, errors.New("no ticket key is given")
	}
	for i, part := range strings.Split(text, ",") {
		at := "ticket key " + strconv.Itoa(i+1)
		number, digits, ok := strings.Cut(part, ":")
		n, numbered := ascii.Uint(number, 255)
		if !ok || !numbered {
			return nil, errors.New(at + " must be number:hex, with a number of 0 to 255")
		}
		var secret [keySize]byte
		if !decodeHex(secret[:], digits) {
			return nil, errors.New(at + " must have 64 hexadecimal digits")
		}
		if k.find(uint8(n)) != nil {
			return nil, errors.New(at + " has the number of another")
		}
		mac, err := blake2s.New128(secret[:])
		if err != nil {
			return nil, errors.New(at + ": " + err.Error())
		}
		k.keys = append(k.keys, Key{number: uint8(n), mac: mac})
	}
	return k, nil
}

func (k *Keys) find(number uint8) hash.Hash {
	for i := range k.keys {
		if k.keys[i].number == number {
			return k.keys[i].mac
		}
	}
	return nil
}

// Seal appends the sealed ticket to b.
func (k *Keys) Seal(b []byte, t *Ticket) []byte {
	le := binary.LittleEndian
	start := len(b)
	b = append(b, version, k.keys[0].number)
	b = le.AppendUint64(b, t.Pod)
	b = le.AppendUint16(b, t.Room)
	b = append(b, t.Battle[:]...)
	b = append(b, t.Player[:]...)
	b = le.AppendUint64(b, t.Serial)
	b = le.AppendUint64(b, uint64(t.Expires))
	return append(b, k.mac(k.keys[0].mac, domainTicket, b[start:])...)
}

// Open fills t from a sealed ticket. Whether it is for this pod, this time and the first time is the caller's to check.
func (k *Keys) Open(b []byte, t *Ticket) error {
	if len(b) != Size || b[0] != version {
		return ErrFormat
	}
	mac := k.find(b[1])
	if mac == nil {
		return ErrKey
	}
	body := b[:Size-MACSize]
	if !equal(k.mac(mac, domainTicket, body), b[Size-MACSize:]) {
		return ErrAltered
	}
	le := binary.LittleEndian
	*t = Ticket{
		Pod: le.Uint64(b[2:]), Room: le.Uint16(b[10:]), Battle: ID(b[12:28]), Player: ID(b[28:44]),
		Serial: le.Uint64(b[44:]), Expires: int64(le.Uint64(b[52:])),
	}
	return nil
}

// The uses of a key: the MAC of one is none of another.
const (
	domainTicket  = 'T'
	domainMessage = 'M'
)

// mac returns the MAC of b, which is good until the next call.
func (k *Keys) mac(h hash.Hash, domain byte, b []byte) []byte {
	h.Reset()
	k.sum[0] = domain
	_, _ = h.Write(k.sum[:1]) // a hash does not fail
	_, _ = h.Write(b)
	return h.Sum(k.sum[:0])
}

// equal takes the same time wherever a and b differ. crypto/subtle would bring more than it saves into the module.
func equal(a, b []byte) bool {
	diff := byte(0)
	for i := range a {
		diff |= a[i] ^ b[i]
	}
	return len(a) == len(b) && diff == 0
}

// Sign appends the MAC of a message from a battle pod to the lobby, as text: `number:hex`.
func (k *Keys) Sign(b, message []byte) []byte {
	b = strconv.AppendUint(b, uint64(k.keys[0].number), 10)
	return appendHex(append(b, ':'), k.mac(k.keys[0].mac, domainMessage, message))
}

// Verify says whether the MAC is one that [Keys.Sign] made of the message.
func (k *Keys) Verify(mac string, message []byte) bool {
	number, digits, _ := strings.Cut(mac, ":")
	n, ok := ascii.Uint(number, 255)
	var got [MACSize]byte
	if !ok || !decodeHex(got[:], digits) {
		return false
	}
	h := k.find(uint8(n))
	return h != nil && equal(k.mac(h, domainMessage, message), got[:])
}

// encoding/hex brings fmt into the module, and with it half a megabyte.

// appendHex appends bytes in hexadecimal.
func appendHex(b, from []byte) []byte {
	const digits = "0123456789abcdef"
	for _, x := range from {
		b = append(b, digits[x>>4], digits[x&15])
	}
	return b
}

// decodeHex fills b, and says whether s was as many hexadecimal digits.
func decodeHex(b []byte, s string) bool {
	if len(s) != 2*len(b) {
		return false
	}
	for i := range b {
		high, low := nibble(s[2*i]), nibble(s[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		b[i] = high<<4 | low
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xFF
}
