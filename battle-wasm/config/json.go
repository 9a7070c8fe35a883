package config

import (
	"errors"
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/ascii"
)

// parser reads JSON of the shape that the configuration has: objects in objects, with whole numbers as values.
type parser struct {
	text []byte
	at   int
	set  func(path string, value int)
}

// maxDepth bounds the nesting, and so the stack.
const maxDepth = 4

// parse reads a document and calls set for each number with the path of its keys, `arena.width`.
func parse(text []byte, set func(path string, value int)) error {
	p := &parser{text: text, set: set}
	if err := p.object("", 0); err != nil {
		return err
	}
	if p.space(); p.at < len(p.text) {
		return p.fail("nothing more")
	}
	return nil
}

func (p *parser) object(path string, depth int) error {
	if !p.next('{') {
		return p.fail("{")
	}
	if depth == maxDepth {
		return errors.New(path + ": nested too deep")
	}
	if p.next('}') {
		return nil
	}
	for {
		if err := p.member(path, depth); err != nil {
			return err
		}
		if p.next('}') {
			return nil
		}
		if !p.next(',') {
			return p.fail(", or }")
		}
	}
}

func (p *parser) member(path string, depth int) error {
	key, err := p.key()
	if err != nil {
		return err
	}
	if path != "" {
		key = path + "." + key
	}
	if !p.next(':') {
		return p.fail(":")
	}
	if p.space(); p.at < len(p.text) && p.text[p.at] == '{' {
		return p.object(key, depth+1)
	}
	value, err := p.number(key)
	if err != nil {
		return err
	}
	p.set(key, value)
	return nil
}

// key reads a string. No key of the configuration needs an escape, so none is understood.
func (p *parser) key() (string, error) {
	if !p.next('"') {
		return "", p.fail("a key in quotes")
	}
	start := p.at
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return string(p.text[start : p.at-1]), nil
		case c == '\\' || c < ' ' || c > '~':
			return "", p.fail("a plain letter")
		}
	}
	return "", p.fail(`"`)
}

func (p *parser) number(path string) (int, error) {
	p.space()
	start := p.at
	for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at] == '-') {
		p.at++
	}
	digits := string(p.text[start:p.at])
	value, ok := ascii.Int(digits)
	// Int takes 007 for 7 and -0 for 0; JSON and readers do not.
	if !ok || strconv.Itoa(value) != digits {
		p.at = start
		return 0, errors.New(path + ": " + p.fail("a whole number").Error())
	}
	return value, nil
}

// next consumes the byte c, after white space, where it is there.
func (p *parser) next(c byte) bool {
	if p.space(); p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) fail(want string) error {
	line := 1
	for _, c := range p.text[:min(p.at, len(p.text))] {
		if c == '\n' {
			line++
		}
	}
	return errors.New("line " + strconv.Itoa(line) + ": expected " + want)
}
