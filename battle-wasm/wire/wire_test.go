package wire

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
)

// packet is what all packet types have in common.
type packet interface{ AppendTo([]byte) []byte }

// parsers parse any packet of a kind, and give it back for comparing and encoding again.
var parsers = map[Kind]func([]byte) (packet, error){
	KindJoin:      func(b []byte) (packet, error) { p := &Join{}; return p, ParseJoin(b, p) },
	KindInput:     func(b []byte) (packet, error) { p := &Input{}; return p, ParseInput(b, p) },
	KindLeave:     func(b []byte) (packet, error) { p := &Leave{}; return p, ParseLeave(b, p) },
	KindChallenge: func(b []byte) (packet, error) { p := &Challenge{}; return p, ParseChallenge(b, p) },
	KindWelcome:   func(b []byte) (packet, error) { p := &Welcome{}; return p, ParseWelcome(b, p) },
	KindReject:    func(b []byte) (packet, error) { p := &Reject{}; return p, ParseReject(b, p) },
	KindSnapshot:  func(b []byte) (packet, error) { p := &Snapshot{}; return p, ParseSnapshot(b, p) },
	KindEnd:       func(b []byte) (packet, error) { p := &End{}; return p, ParseEnd(b, p) },
}

var samples = map[Kind]packet{
	KindJoin: &Join{Nonce: 0x1122334455667788, Cookie: [CookieSize]byte{1, 2, 15: 16}, Ticket: [ticket.Size]byte{3, ticket.Size - 1: 4}},
	KindInput: &Input{
		Token: 1 << 63, Seq: 7, AckTick: 9, AckDelay: 8000, Command: Command{MoveX: -127, MoveY: 127, Aim: 0xBEEF, Buttons: ButtonFire, Seen: 3},
		Repeated: 2, Earlier: [MaxEarlier]Command{{MoveX: -127, MoveY: 127, Aim: 0xBEE0, Seen: 3}, {MoveX: 1, Aim: 0xBEE0, Buttons: ButtonFire, Seen: 4}},
	},
	KindLeave:     &Leave{Token: 42},
	KindChallenge: &Challenge{Nonce: 3, Cookie: [CookieSize]byte{0: 9, 15: 8}},
	KindWelcome:   &Welcome{Nonce: 1, Token: 2, Room: 3, Player: 9, TickRate: 120, Tick: 6, EndTick: 7, Width: 8, Height: 9},
	KindReject:    &Reject{Nonce: 5, Reason: ReasonFull},
	KindSnapshot:  &Snapshot{Tag: 0xCAFE, Tick: 100, AckSeq: 2, AckWait: 3, Back: 4, State: []byte{1, 2, 3}},
	KindEnd:       &End{Token: 1, Tick: 2, Self: 3, Record: RecordDone, Count: 2, Scores: [MaxPlayers]Score{{ID: 1, Points: 2}, {ID: 3, Points: 4}}},
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for kind, want := range samples {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			b := want.AppendTo(nil)
			got, err := parsers[kind](b)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.LessOrEqual(t, len(b), MaxPacketSize)
		})
	}
}

func TestParsersAreStrict(t *testing.T) {
	t.Parallel()
	for kind, p := range samples {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			good, parse := p.AppendTo(nil), parsers[kind]
			for n := range len(good) {
				if kind == KindSnapshot && n > snapshotHead {
					break
				}
				_, err := parse(good[:n])
				require.Error(t, err, "cut to %d bytes", n)
			}
			_, err := parse(append(good, 0))
			if kind != KindSnapshot { // whose end package snapshot knows
				require.ErrorIs(t, err, ErrLength)
			}
			_, err = parse(change(good, 0, 0))
			require.ErrorIs(t, err, ErrMagic)
			_, err = parse(change(good, 2, 99))
			require.ErrorIs(t, err, ErrKind)
			if kind != KindReject { // which every version can read
				_, err = parse(change(good, 1, Version+1))
				require.ErrorIs(t, err, ErrVersion)
			}
		})
	}
}

func TestValuesOutOfRange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind  Kind
		at    int
		value byte
	}{
		"join with padding used":       {KindJoin, JoinSize - 1, 1},
		"input with sequence 0":        {KindInput, 11, 0},
		"input moving beyond -127":     {KindInput, inputHead, 0x80},
		"input with too many repeated": {KindInput, 21, MaxEarlier + 1},
		"input that repeats before 1":  {KindInput, 11, 2},
		"welcome of player 10":         {KindWelcome, 21, MaxPlayers},
		"welcome at 0 ticks a second":  {KindWelcome, 22, 0},
		"reject without a reason":      {KindReject, 11, 0},
		"reject for an unknown reason": {KindReject, 11, byte(reasonLast) + 1},
		"snapshot of a time before":    {KindSnapshot, 7, 3},
		"snapshot of long before":      {KindSnapshot, 17, MaxBack + 1},
		"end for player 10":            {KindEnd, 15, MaxPlayers},
		"end with an unknown record":   {KindEnd, 16, byte(recordLast) + 1},
		"end with a player twice":      {KindEnd, endHead + scoreSize, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parsers[tt.kind](change(samples[tt.kind].AppendTo(nil), tt.at, tt.value))
			require.ErrorIs(t, err, ErrValue)
		})
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	sizes := map[Kind]int{
		KindJoin: JoinSize, KindLeave: LeaveSize,
		KindChallenge: ChallengeSize, KindWelcome: WelcomeSize, KindReject: RejectSize,
	}
	for kind, want := range sizes {
		require.Len(t, samples[kind].AppendTo(nil), want, kind.String())
	}
	full := Snapshot{State: make([]byte, snapshot.MaxSize)}
	require.Len(t, full.AppendTo(nil), MaxSnapshotSize)
	require.LessOrEqual(t, MaxSnapshotSize, 1200, "more does not fit into one packet everywhere")
	in := Input{Seq: 1}
	require.Len(t, in.AppendTo(nil), MinInputSize)
	in = Input{Seq: 9, Repeated: MaxEarlier}
	for n := range in.Earlier { // each as different from the one before as can be
		in.Earlier[n] = Command{MoveX: int8(n + 1), Aim: uint16(n + 1), Seen: uint8(n + 1)}
	}
	require.Len(t, in.AppendTo(nil), MaxInputSize)
	end := End{Count: MaxPlayers}
	require.Len(t, end.AppendTo(nil), MaxEndSize)
}

func TestReaddress(t *testing.T) {
	t.Parallel()
	s := Snapshot{Tag: 1, Tick: 100, AckSeq: 2, AckWait: 3, Back: 4, State: []byte{1, 2, 3}}
	b := s.AppendTo(nil)
	s.Tag, s.AckSeq, s.AckWait = 0xCAFEBABE, 1<<31, 65535
	Readdress(b, s.Tag, s.AckSeq, s.AckWait)
	require.Equal(t, s.AppendTo(nil), b)
}

// BenchmarkParseInput is an input of a player who turns, as it comes most of the time: with the two before it.
func BenchmarkParseInput(b *testing.B) {
	in := Input{Seq: 9, Command: Command{MoveX: 100, MoveY: -20, Aim: 300, Seen: 2}, Repeated: 2, Earlier: [MaxEarlier]Command{
		{MoveX: 100, MoveY: -20, Aim: 200, Seen: 2}, {MoveX: 100, MoveY: -20, Aim: 100, Seen: 2},
	}}
	packet := in.AppendTo(nil)
	for b.Loop() {
		if err := ParseInput(packet, &in); err != nil {
			b.Fatal(err)
		}
	}
}

// The server must not be of use to who forges a victim's address.
func TestAnswersBeforeVerificationAreNoLargerThanTheirQuestion(t *testing.T) {
	t.Parallel()
	for _, answer := range []int{ChallengeSize, WelcomeSize, RejectSize} {
		require.LessOrEqual(t, answer, JoinSize)
	}
}

func TestEncodingAndParsingDoNotAllocate(t *testing.T) {
	snap := Snapshot{State: make([]byte, 10)}
	in := Input{Seq: 9, Repeated: MaxEarlier}
	buf := make([]byte, 0, MaxPacketSize)
	var gotSnap Snapshot
	var gotIn Input
	require.Zero(t, testing.AllocsPerRun(100, func() {
		buf = snap.AppendTo(buf[:0])
		if err := ParseSnapshot(buf, &gotSnap); err != nil {
			t.Error(err)
		}
		buf = in.AppendTo(buf[:0])
		if err := ParseInput(buf, &gotIn); err != nil {
			t.Error(err)
		}
	}))
}

// FuzzParse holds every parser to this: whatever comes in, it does not panic, and what it accepts encodes to the same bytes again.
func FuzzParse(f *testing.F) {
	for _, p := range samples {
		f.Add(p.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for kind, parse := range parsers {
			p, err := parse(b)
			if err != nil {
				continue
			}
			got := p.AppendTo(nil)
			if kind == KindReject {
				got[1] = b[1]
			}
			if string(got) != string(b) {
				t.Errorf("%s: %x parsed and encoded is %x", kind, b, got)
			}
			if _, err := PeekKind(b); err != nil && !errors.Is(err, ErrVersion) {
				t.Errorf("accepted by a parser, not by PeekKind: %x: %v", b, err)
			}
		}
	})
}

func change(b []byte, at int, value byte) []byte {
	c := append([]byte(nil), b...)
	c[at] = value
	return c
}
