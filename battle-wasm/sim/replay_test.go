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
