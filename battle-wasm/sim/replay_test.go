package sim

import (
	_ "embed"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden file is part of the test's binary: in Wasm there need not be any files.
//
//go:embed testdata/replay.golden
var golden string

// recorded is a battle that was fought over a lossy network on a real server (package server, TestTheRecordedBattle), and recordedHashes are what it must come to.
//
//go:embed testdata/battle.log
var recorded string

//go:embed testdata/battle.golden
var recordedHashes string

// TestReplayOfARecordedBattle replays it and compares the state's hash of each second. It runs natively and in Wasm, like [TestReplay].
func TestReplayOfARecordedBattle(t *testing.T) {
	var got strings.Builder
	a, shots, hits := &Arena{}, 0, 0
	err := Log(recorded).Replay(a, func() {
		for _, p := range a.Players {
			shots, hits = shots+int(bit(p.Fired)), hits+int(bit(p.Hit))
		}
		if a.Tick%120 == 0 {
			got.WriteString(strconv.Itoa(int(a.Tick)) + " " + strconv.FormatUint(a.Hash(), 16) + "\n")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if shots == 0 || hits == 0 {
		t.Errorf("%d shots, %d hits: the battle says too little", shots, hits)
	}
	if *update {
		if err := os.WriteFile("testdata/battle.golden", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != recordedHashes {
		t.Errorf("hashes differ from testdata/battle.golden:\n%s", got.String())
	}
}

// FuzzLog holds the reader of logs to this: whatever comes in, it does not panic.
func FuzzLog(f *testing.F) {
	f.Add([]byte(recorded[:min(len(recorded), 2000)]))
	f.Add([]byte{logReset, 120, 100, 100, 1, 1, logJoin, 9, logStep})
	f.Fuzz(func(t *testing.T, b []byte) {
		ticks := 0
		a := &Arena{}
		if err := Log(b).Replay(a, func() { ticks++ }); err == nil && ticks > len(b) {
			t.Errorf("%d ticks of %d bytes", ticks, len(b))
		}
	})
}

// TestReplay plays an input log, with players who come and go, and compares the state's hash once a second with the golden file. It runs
// natively and, with GOOS=wasip1, in a Wasm runtime: both must give the same hashes.
func TestReplay(t *testing.T) {
	var got strings.Builder
	a := &Arena{}
	a.Reset(Config{TickRate: 120, Width: 400, Height: 300, Seed: 42, EndTick: 3600})
	players := random(1234)
	var inputs [MaxPlayers]Inputs
	kills := uint32(0)
	for !a.Over() {
		i := int(players.below(MaxPlayers))
		switch roll := players.below(100); {
		case !a.Players[i].Present && roll < 20:
			a.Join(i)
		case a.Players[i].Present && roll == 0:
			a.Leave(i)
		default:
			// The network holds some back, and loses some: none, one or a few come at a time, and stay until others do.
			inputs[i].Count = 0
			for range players.below(4) {
				inputs[i].Add(Input{
					MoveX: int8(players.below(255)) - 127, MoveY: int8(players.below(255)) - 127,
					Aim: uint16(players.next()), Fire: roll < 80, View: a.Tick - players.below(40),
				})
			}
		}
		a.Step(&inputs)
		if a.Tick%120 == 0 {
			for _, p := range a.Players {
				kills += p.Score
			}
			got.WriteString(strconv.Itoa(int(a.Tick)) + " " + strconv.FormatUint(a.Hash(), 16) + "\n")
		}
	}
	if kills == 0 {
		t.Error("nobody was killed: the log says too little")
	}
	if *update {
		if err := os.WriteFile("testdata/replay.golden", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != golden {
		t.Errorf("hashes differ from testdata/replay.golden:\n%s", got.String())
	}
}
