package wire

// Snapshot is the state of a room after a tick.
type Snapshot struct {
	// Tag is the low half of the session's token: a snapshot with another is forged.
	Tag uint32
	// Tick is the tick of the battle.
	Tick uint32
	// AckSeq is the newest of the receiver's inputs that is part of this state, 0 before the first.
	AckSeq uint32
	// AckWait is the time from the receipt of that input to the sending of this snapshot, in µs, 65535 for more. A player that takes it from its measured
	// round trip knows what the network alone costs.
	AckWait uint16
	// Back says against which state of the battle this one is written: that of so many ticks before, which the player has acknowledged. 0 is none: the
	// state is whole.
	Back uint8
	// State is the state, as package snapshot writes it.
	State []byte
}

// AppendTo appends the packet to b.
func (s *Snapshot) AppendTo(b []byte) []byte {
	b = appendHeader(b, KindSnapshot)
	b = le.AppendUint32(b, s.Tag)
	b = le.AppendUint32(b, s.Tick)
	b = le.AppendUint32(b, s.AckSeq)
	b = le.AppendUint16(b, s.AckWait)
	b = append(b, s.Back)
	return append(b, s.State...)
}

// Readdress makes of a written snapshot that of another player, who has it written against the same state. That is cheaper than to write it anew.
func Readdress(b []byte, tag, ackSeq uint32, ackWait uint16) {
	_ = b[snapshotHead-1]
	le.PutUint32(b[3:], tag)
	le.PutUint32(b[11:], ackSeq)
	le.PutUint16(b[15:], ackWait)
}

// ParseSnapshot fills s from a packet. State is a part of b.
func ParseSnapshot(b []byte, s *Snapshot) error {
	if len(b) <= snapshotHead || len(b) > MaxSnapshotSize {
		return shortError(b, KindSnapshot)
	}
	if err := check(b, KindSnapshot, len(b)); err != nil {
		return err
	}
	tick, back := le.Uint32(b[7:]), b[17]
	if uint32(back) > tick || back > MaxBack {
		return ErrValue
	}
	*s = Snapshot{Tag: le.Uint32(b[3:]), Tick: tick, AckSeq: le.Uint32(b[11:]), AckWait: le.Uint16(b[15:]), Back: back, State: b[snapshotHead:]}
	return nil
}

// Score is what a player has at the end.
type Score struct {
	// ID is the player's number in the room.
	ID uint8
	// Points are its points.
	Points uint16
}

// Record says what became of a battle's result.
type Record uint8

// The states of a result.
const (
	// RecordNone: there is none, for the battle was one of bots that measure.
	RecordNone Record = iota
	// RecordPending: it is on its way to the city's store, and not there yet. Another [End] follows when it is.
	RecordPending
	// RecordDone: the store has it on its disk.
	RecordDone

	recordLast = RecordDone
)

// End tells a player that its battle is over, and with it its session.
type End struct {
	// Token is the session's, so that nobody else can end it.
	Token uint64
	// Tick is the battle's last tick.
	Tick uint32
	// Self is the receiver's number in the room.
	Self uint8
	// Record says what became of the result.
	Record Record
	// Count is the number of Scores that are in use.
	Count uint8
	// Scores are the room's scores, by ascending ID.
	Scores [MaxPlayers]Score
}

// AppendTo appends the packet to b.
func (e *End) AppendTo(b []byte) []byte {
	b = appendHeader(b, KindEnd)
	b = le.AppendUint64(b, e.Token)
	b = le.AppendUint32(b, e.Tick)
	b = append(b, e.Self, byte(e.Record), e.Count)
	for _, s := range e.Scores[:e.Count] {
		b = le.AppendUint16(append(b, s.ID), s.Points)
	}
	return b
}

// ParseEnd fills e from a packet. Scores beyond Count keep what they were.
func ParseEnd(b []byte, e *End) error {
	if len(b) < endHead {
		return shortError(b, KindEnd)
	}
	count := b[17]
	if err := check(b, KindEnd, endHead+int(count)*scoreSize); err != nil {
		return err
	}
	if count > MaxPlayers || b[15] >= MaxPlayers || Record(b[16]) > recordLast {
		return ErrValue
	}
	next := uint8(0)
	for i := range int(count) {
		id := b[endHead+i*scoreSize]
		if id < next || id >= MaxPlayers {
			return ErrValue
		}
		next = id + 1
	}
	e.Token, e.Tick, e.Self, e.Record, e.Count = le.Uint64(b[3:]), le.Uint32(b[11:]), b[15], Record(b[16]), count
	for i := range int(count) {
		q := b[endHead+i*scoreSize:]
		e.Scores[i] = Score{ID: q[0], Points: le.Uint16(q[1:])}
	}
	return nil
}

// shortError says what is wrong with a packet that is shorter than the fixed part of its kind.
func shortError(b []byte, want Kind) error {
	if err := check(b, want, len(b)); err != nil {
		return err
	}
	return ErrLength
}
