package wire

// Flags is a set of what is true of a player in a [Snapshot].
type Flags uint8

// The flags.
const (
	// FlagAlive: the player is in the arena; otherwise it waits to come back.
	FlagAlive Flags = 1 << iota
	// FlagFired: the player fired in this tick, along its aim.
	FlagFired
	// FlagHit: the player was hit in this tick.
	FlagHit

	flagsKnown = FlagAlive | FlagFired | FlagHit
)

// Player is a player's state as others see it.
type Player struct {
	// ID is the player's number in the room, below [MaxPlayers].
	ID uint8
	// Flags say what is true of the player.
	Flags Flags
	// X and Y are the place, in 1/16 of the arena's unit of length; see Width and Height of [Welcome].
	X, Y uint16
	// Aim is the direction of sight, as in [Input].
	Aim uint16
	// Health is 0 to 100.
	Health uint8
	// Score is the player's points.
	Score uint16
}

// Snapshot is the state of a room after a tick.
type Snapshot struct {
	// Tag is the low half of the session's token: a snapshot with another is forged.
	Tag uint32
	// Tick is the tick of the battle.
	Tick uint32
	// AckSeq is the newest of the receiver's inputs that is part of this state, 0 before the first.
	AckSeq uint32
	// AckWait is the time from the receipt of that input to the sending of this snapshot, in µs. A player that takes it from its measured round trip
	// knows what the network alone costs.
	AckWait uint32
	// EndTick is the tick at which the battle ends.
	EndTick uint32
	// Self is the receiver's number in the room.
	Self uint8
	// Count is the number of Players that are in use.
	Count uint8
	// Players are the room's players, by ascending ID.
	Players [MaxPlayers]Player
}

// AppendTo appends the packet to b.
func (s *Snapshot) AppendTo(b []byte) []byte {
	b = appendHeader(b, KindSnapshot)
	b = le.AppendUint32(b, s.Tag)
	b = le.AppendUint32(b, s.Tick)
	b = le.AppendUint32(b, s.AckSeq)
	b = le.AppendUint32(b, s.AckWait)
	b = le.AppendUint32(b, s.EndTick)
	b = append(b, s.Self, s.Count)
	for i := range s.Players[:s.Count] {
		p := &s.Players[i]
		b = append(b, p.ID, byte(p.Flags))
		b = le.AppendUint16(b, p.X)
		b = le.AppendUint16(b, p.Y)
		b = le.AppendUint16(b, p.Aim)
		b = append(b, p.Health)
		b = le.AppendUint16(b, p.Score)
	}
	return b
}

// ParseSnapshot fills s from a packet. Players beyond Count keep what they were.
func ParseSnapshot(b []byte, s *Snapshot) error {
	if len(b) < snapshotHead {
		return shortError(b, KindSnapshot)
	}
	count := b[24]
	if err := check(b, KindSnapshot, snapshotHead+int(count)*PlayerSize); err != nil {
		return err
	}
	if count > MaxPlayers || b[23] >= MaxPlayers {
		return ErrValue
	}
	next := uint8(0)
	for i := range int(count) {
		q := b[snapshotHead+i*PlayerSize:]
		if q[0] < next || q[0] >= MaxPlayers || Flags(q[1])&^flagsKnown != 0 || q[8] > 100 {
			return ErrValue
		}
		next = q[0] + 1
	}
	s.Tag, s.Tick, s.AckSeq, s.AckWait, s.EndTick = le.Uint32(b[3:]), le.Uint32(b[7:]), le.Uint32(b[11:]), le.Uint32(b[15:]), le.Uint32(b[19:])
	s.Self, s.Count = b[23], count
	for i := range int(count) {
		q := b[snapshotHead+i*PlayerSize:]
		s.Players[i] = Player{
			ID: q[0], Flags: Flags(q[1]),
			X: le.Uint16(q[2:]), Y: le.Uint16(q[4:]), Aim: le.Uint16(q[6:]),
			Health: q[8], Score: le.Uint16(q[9:]),
		}
	}
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
