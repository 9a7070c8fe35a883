package loopback

import (
	"errors"
	"strings"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/peer"
	"github.com/edge-arena/edge-arena/battle-wasm/predict"
	"github.com/edge-arena/edge-arena/battle-wasm/server"
	"github.com/edge-arena/edge-arena/battle-wasm/snapshot"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/transport"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// Config says what is played.
type Config struct {
	// Rooms is the number of battles, of ten players each, at 120 ticks a second.
	Rooms int
	// Seed decides everything random.
	Seed uint64
	// Delay is how many ticks a packet takes, each way. Loss is how many packets of 1000 are lost, each way, once all have joined.
	Delay, Loss int
	// Repeat is how many inputs before the newest a packet repeats at most.
	Repeat int
	// Jitter is whether players' aims tremble as a hand does, by up to 64/65536 of a turn each tick.
	Jitter bool
}

// tickRate is the number of ticks a second.
const tickRate = 120

// World is a server with its players.
type World struct {
	cfg      Config
	machine  *machine
	server   *server.Server
	up, down *link
	players  []*player
	scratch  []byte

	sent, inputBytes int
	sizes            []Size
	record           bool
	answer           func(b []byte) // while somebody joins
}

// Size is that of one snapshot, and what the same state is when it is written whole, both with their heads.
type Size struct{ Bytes, Whole int }

// New returns a world in which all have joined.
func New(cfg Config) (*World, error) {
	keys, err := ticket.ParseKeys("1:" + strings.Repeat("ab", 32))
	if err != nil {
		return nil, err
	}
	w := &World{cfg: cfg, machine: &machine{now: 1e12, random: cfg.Seed}, scratch: make([]byte, 0, wire.MaxInputSize)}
	c := config.Default()
	c.Rooms, c.Tickets, c.BattleSeconds, c.JoinsPerSecond = cfg.Rooms, keys, 86400, 1e6
	w.machine.deliver = func(_ transport.Addr, b []byte) { w.answer(b) }
	if w.server, err = server.New(c, w.machine, server.Build{Version: "loopback"}); err != nil {
		return nil, err
	}
	run := w.server.Run()
	for i := range cfg.Rooms * wire.MaxPlayers {
		p := &player{w: w, addr: transport.Addr{IP: [4]byte{10, 0, byte(i >> 8), byte(i)}, Port: 4000}, random: cfg.Seed + uint64(i)*0x1234567}
		if err := w.join(p, keys, run, uint64(i)); err != nil {
			return nil, err
		}
		w.players = append(w.players, p)
	}
	w.up = newLink(cfg.Delay, cfg.Loss, cfg.Seed+1, func(from transport.Addr, b []byte) { w.server.HandlePacket(from, b) })
	w.down = newLink(cfg.Delay, cfg.Loss, cfg.Seed+2, w.arrive)
	w.machine.deliver = w.down.send
	return w, nil
}

// join takes a player through challenge and welcome, on a network that loses nothing.
func (w *World) join(p *player, keys *ticket.Keys, run, serial uint64) error {
	pass := ticket.Ticket{Pod: run, Room: ticket.AnyRoom, Serial: serial, Expires: w.machine.Wall() + 10000}
	join := wire.Join{Nonce: serial + 1, Ticket: [ticket.Size]byte(keys.Seal(nil, &pass))}
	var welcome wire.Welcome
	var challenge wire.Challenge
	joined := false
	w.answer = func(b []byte) {
		if wire.ParseChallenge(b, &challenge) == nil {
			join.Cookie = challenge.Cookie
		}
		joined = wire.ParseWelcome(b, &welcome) == nil
	}
	w.server.At(w.machine.now)
	for range 2 {
		w.server.HandlePacket(p.addr, join.AppendTo(nil))
	}
	if !joined {
		return errors.New("a player of the loopback was not let in")
	}
	p.session, p.self, p.place = peer.New(&welcome), predict.NewSelf(peer.Motion(&welcome)), int(welcome.Player)
	p.session.Repeat = uint32(w.cfg.Repeat)
	return nil
}

// Tick plays one tick: what is under way arrives, all players send an input, and the server has its tick.
func (w *World) Tick() {
	w.machine.now += 1_000_000_000 / tickRate
	w.server.At(w.machine.now)
	w.up.tick()
	w.down.tick()
	for _, p := range w.players {
		p.input()
	}
	w.server.Tick()
}

// arrive brings a packet to its player.
func (w *World) arrive(to transport.Addr, b []byte) {
	p := w.players[int(to.IP[2])<<8|int(to.IP[3])]
	before := p.last.Tick
	p.receive(b)
	if !w.record || p.last.Tick == before {
		return
	}
	c := snapshot.NewCodec(peer.Motion(&wire.Welcome{TickRate: tickRate, Width: 16000, Height: 9600}))
	head := len((&wire.Snapshot{}).AppendTo(nil))
	w.sizes = append(w.sizes, Size{Bytes: len(b), Whole: head + len(c.Append(nil, &p.last.State, &snapshot.State{}))})
}

// Record keeps the sizes of the snapshots that arrive from now on.
func (w *World) Record() { w.record = true }

// Outcome is what came of the ticks so far.
type Outcome struct {
	// Sent are the inputs that players sent, InputBytes the size of their packets. Lost are those that did not become part of a battle.
	Sent, InputBytes int
	Lost             uint64
	// Snapshots are the sizes since [World.Record].
	Snapshots []Size
	// Predictions is how good the players' predictions were.
	Predictions predict.Counts
}

// Outcome returns what came of the ticks so far.
func (w *World) Outcome() Outcome {
	o := Outcome{Sent: w.sent, InputBytes: w.inputBytes, Lost: w.server.InputsLost(), Snapshots: w.sizes}
	for _, p := range w.players {
		c := p.self.Counts()
		o.Predictions.Checked += c.Checked
		o.Predictions.Wrong += c.Wrong
	}
	return o
}
