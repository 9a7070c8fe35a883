package sim

import "errors"

// Log is a battle as it was played: who came and went, and which inputs counted in which tick. Replayed, it gives the same arena in every tick, wherever it is.
type Log []byte

// What a log consists of.
const (
	logReset = iota
	logJoin
	logLeave
	logStep
)

// ErrLog is the error of a log that nobody has recorded.
var ErrLog = errors.New("malformed battle log")

func (l *Log) number(n uint64) {
	for ; n >= 0x80; n >>= 7 {
		*l = append(*l, byte(n)|0x80)
	}
	*l = append(*l, byte(n))
}

// Reset notes an [Arena.Reset].
func (l *Log) Reset(c Config) {
	l.number(logReset)
	for _, n := range []uint64{uint64(c.TickRate), uint64(c.Width), uint64(c.Height), c.Seed, uint64(c.EndTick)} {
		l.number(n)
	}
}

// Join notes an [Arena.Join].
func (l *Log) Join(place int) { *l = append(*l, logJoin, byte(place)) }

// Leave notes an [Arena.Leave].
func (l *Log) Leave(place int) { *l = append(*l, logLeave, byte(place)) }

// Step notes an [Arena.Step].
func (l *Log) Step(inputs *[MaxPlayers]Inputs) {
	*l = append(*l, logStep)
	for i := range inputs {
		in := &inputs[i]
		*l = append(*l, byte(in.Count))
		for _, one := range in.List[:in.Count] {
			*l = append(*l, byte(one.MoveX), byte(one.MoveY), byte(one.Aim), byte(one.Aim>>8), byte(bit(one.Fire)))
			l.number(uint64(one.View))
		}
	}
}

// Replay plays a log in a, and calls after with each tick's end.
func (l Log) Replay(a *Arena, after func()) error {
	r := logReader{rest: l}
	started := false
	for len(r.rest) > 0 && !r.bad {
		switch op := r.byte(); {
		case op == logReset:
			c := Config{
				TickRate: int(r.number(1000)), Width: int(r.number(4095)), Height: int(r.number(4095)), Seed: r.number(1<<64 - 1), EndTick: uint32(r.number(1<<32 - 1)),
			}
			if r.bad || c.TickRate == 0 || c.Width < 100 || c.Height < 100 {
				return ErrLog
			}
			a.Reset(c)
			started = true
		case !started:
			return ErrLog
		case op == logJoin || op == logLeave:
			place := r.byte()
			if place >= MaxPlayers {
				return ErrLog
			}
			if op == logJoin {
				a.Join(int(place))
			} else {
				a.Leave(int(place))
			}
		case op == logStep:
			var inputs [MaxPlayers]Inputs
			for i := range inputs {
				r.inputs(&inputs[i])
			}
			if r.bad {
				return ErrLog
			}
			a.Step(&inputs)
			after()
		default:
			return ErrLog
		}
	}
	if r.bad {
		return ErrLog
	}
	return nil
}

type logReader struct {
	rest []byte
	bad  bool
}

func (r *logReader) byte() byte {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *logReader) number(most uint64) (n uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if n > most {
				r.bad = true
			}
			return n
		}
	}
	r.bad = true
	return 0
}

func (r *logReader) inputs(in *Inputs) {
	count := r.byte()
	if count > MaxInputs {
		r.bad = true
		return
	}
	for range count {
		one := Input{MoveX: int8(r.byte()), MoveY: int8(r.byte())}
		one.Aim = uint16(r.byte()) | uint16(r.byte())<<8
		one.Fire = r.byte() == 1
		one.View = uint32(r.number(1<<32 - 1))
		in.Add(one)
	}
}
