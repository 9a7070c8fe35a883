package server

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/config"
	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
	"github.com/edge-arena/edge-arena/battle-wasm/ticket"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

func startLoop(t testing.TB) (*fakeMachine, *Loop) {
	t.Helper()
	m := &fakeMachine{now: 1000 * second}
	cfg := config.Default()
	cfg.Rooms, cfg.Pod, cfg.Tickets = 2, "pod-1", keys(t)
	l, err := NewLoop(cfg, m, Build{Version: "test", Runtime: "fake"})
	require.NoError(t, err)
	return m, l
}

func TestTicksDoNotDrift(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	join(t, m, l.server, addr(1)).stays()
	m.discard = true
	m.cost = 1000
	for range 120 * 60 {
		l.Turn()
	}
	require.InDelta(t, 60*second, m.now-1000*second, 1e5)
	require.Zero(t, l.server.metrics.ticksSkipped)
}

func TestAfterAStall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		stall   int64
		skipped uint64
	}{
		"less than a tick":             {second / 200, 0},
		"as long as is made up for":    {catchUp * second / 120, 0},
		"longer than that":             {second/2 + 1e6, 60 - 2 - catchUp},
		"much longer than that":        {10*second + 1e6, 1200 - 2 - catchUp},
		"so long that it hardly fits":  {86400*second + 1e6, 86400*120 - 2 - catchUp},
		"no stall at all, for control": {0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, l := startLoop(t)
			join(t, m, l.server, addr(1)).stays()
			m.discard = true
			l.Turn()
			m.now += tt.stall
			end := m.now
			for range catchUp + 1 {
				l.Turn()
			}
			require.Equal(t, tt.skipped, l.server.metrics.ticksSkipped)
			// All is made up for: the next tick is one of the schedule, and it is not late.
			for m.now < end+second {
				l.Turn()
			}
			require.Equal(t, l.due(l.tick-1), m.now)
			require.Equal(t, tt.skipped, l.server.metrics.ticksSkipped)
			require.Equal(t, uint64(l.tick-1)-tt.skipped, l.server.metrics.ticks)
		})
	}
}

func TestPacketsAreReadWhenTheyCome(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	p := join(t, m, l.server, addr(1))
	in := wire.Input{Token: p.w.Token, Seq: 1}
	m.inbox = append(m.inbox, datagram{addr: p.addr, b: in.AppendTo(nil), at: m.now + 2e6})
	l.Turn()
	s := p.read(p.one())
	require.EqualValues(t, 1, s.AckSeq)
	require.EqualValues(t, 6333, s.AckWait)
	require.Equal(t, 2, m.waits)
}

func TestAFloodDoesNotHoldUpTheTick(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	m.cost = 1e5
	for range 100000 {
		m.inbox = append(m.inbox, datagram{addr: addr(9), b: make([]byte, 300)})
	}
	start := m.now
	for range 10 {
		l.Turn()
	}
	require.InDelta(t, second/12, m.now-start, 2e6)
	require.NotEmpty(t, m.inbox)
	require.EqualValues(t, 100000-len(m.inbox), l.server.metrics.refused[refusedOversized])
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	m, l := startLoop(t)
	bus := &fakeBus{forgetful: true}
	l.server.bus = bus
	var bots []*bot
	for i := range byte(20) {
		bots = append(bots, join(t, m, l.server, addr(i)))
	}
	m.discard = true
	inbox := make([]datagram, 0, len(bots)+1)
	packets := make([][]byte, len(bots))
	for i := range packets {
		packets[i] = make([]byte, 0, wire.MaxPacketSize)
	}
	seq := uint32(0)
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		seq++
		inbox = inbox[:0]
		for i, b := range bots {
			in := wire.Input{
				Token: b.w.Token, Seq: seq, AckTick: seq - 1, Command: wire.Command{MoveX: int8(i), Aim: uint16(seq * 500), Buttons: wire.ButtonFire, Seen: 2},
			}
			packets[i] = in.AppendTo(packets[i][:0])
			inbox = append(inbox, datagram{addr: b.addr, b: packets[i]})
		}
		m.inbox = inbox
		l.Turn()
	}))
	_, players := l.server.occupancy()
	require.Equal(t, 20, players)
	require.Greater(t, l.server.metrics.sent[kindIndex(wire.KindSnapshot)], uint64(30000))
	require.Greater(t, bus.count, 20, "presence is part of the steady state")
}

func TestAFloodOfJoinsDoesNotAllocate(t *testing.T) {
	m, s := start(t, nil)
	m.discard = true
	j := wire.Join{}
	b := make([]byte, 0, wire.JoinSize)
	from := addr(1)
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		j.Nonce++
		from.IP[1], from.IP[2] = byte(j.Nonce), byte(j.Nonce>>8)
		b = j.AppendTo(b[:0])
		s.HandlePacket(from, b)
	}))
	require.Greater(t, s.metrics.sent[kindIndex(wire.KindChallenge)], uint64(1900))
}

func TestWeb(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	get := func(path string) (int, string, string) {
		r := httpd.Response{Status: 200}
		l.handle(httpd.Request{Path: []byte(path)}, &r)
		return r.Status, r.ContentType, string(r.Body)
	}
	for range 2 {
		status, _, body := get("/readyz")
		require.Equal(t, "200 ok\n", itoa(status)+" "+body)
		m.now += second + 1
		status, _, body = get("/healthz")
		require.Equal(t, "503 no tick for a second\n", itoa(status)+" "+body)
		l.Turn()
	}
	status, _, _ := get("/")
	require.Equal(t, 404, status)

	join(t, m, l.server, addr(1))
	_, contentType, body := get("/v1/address")
	require.Equal(t, "application/json", contentType)
	require.JSONEq(t, `{"address":"127.0.0.1:20000","pod":"pod-1","run":"`+l.server.runText+`","rooms":1,"roomsLimit":2,"players":1,"maxPlayers":10,"tickRate":120,"draining":false}`, body)
	require.Equal(t, "[fd00::1]:20000", hostPort("fd00::1", 20000))
}

func itoa(n int) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

// The exposition is parsed by Prometheus' own parser and compared with a golden file.
func TestMetrics(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	p := join(t, m, l.server, addr(1))
	p.input(nil)
	l.Turn()
	m.now += 7e6 // until the snapshot has come and an input, 5 ms later, has gone all the way back
	p.seq++      // another is lost
	p.input(func(in *wire.Input) { in.AckTick, in.AckDelay = 1, 5000 })
	l.Turn()
	r := httpd.Response{}
	l.handle(httpd.Request{Path: []byte("/metrics")}, &r)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(r.Body)))
	require.NoError(t, err)
	require.EqualValues(t, 2, families["battle_ticks_total"].GetMetric()[0].GetCounter().GetValue())
	require.EqualValues(t, 1, families["battle_players"].GetMetric()[0].GetGauge().GetValue())
	wait := families["battle_input_wait_seconds"].GetMetric()[0].GetHistogram()
	require.EqualValues(t, 2, wait.GetSampleCount())
	require.InDelta(t, 0.008333333+0.001333333, wait.GetSampleSum(), 1e-8)
	rtt := families["battle_rtt_seconds"].GetMetric()[0].GetHistogram()
	require.EqualValues(t, 1, rtt.GetSampleCount(), "of the first input nobody knows how long the network took")
	require.InDelta(t, 0.002+0.001333333, rtt.GetSampleSum(), 1e-8)
	require.EqualValues(t, 1, families["battle_inputs_lost_total"].GetMetric()[0].GetCounter().GetValue())
	for name, bounds := range map[string][]float64{"battle_rtt_seconds": {0.01, 0.02, 0.05}, "battle_tick_lateness_seconds": {0.001}} {
		for _, bound := range bounds {
			require.True(t, slices.ContainsFunc(families[name].GetMetric()[0].GetHistogram().GetBucket(), func(b *dto.Bucket) bool { return b.GetUpperBound() == bound }),
				"%s has no bucket at %v, which objectives need", name, bound)
		}
	}
	for name, f := range families {
		require.NotEmpty(t, f.GetHelp(), name)
		require.True(t, strings.HasPrefix(name, "battle_"), name)
	}
	const golden = "testdata/metrics.golden"
	// What the runtime says of its memory is another each time.
	body := regexp.MustCompile(`(?m)^(battle_(?:gc|heap)_\S+) .*`).ReplaceAll(r.Body, []byte("$1 *"))
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, body, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(body))
}

func TestNobodyReadsTheWebJustBeforeATick(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	join(t, m, l.server, addr(1)).stays()
	m.discard = true
	l.Turn()
	m.dials = []int64{m.now}
	// The machine is so slow that the next tick is always due.
	m.now += 20 * second / 120
	turns := 0
	for ; l.due(l.tick+1) <= m.now; turns++ {
		l.Turn()
		require.Empty(t, m.pages)
	}
	require.Greater(t, turns, catchUp/2)
	for range 2 {
		l.Turn()
	}
	require.Len(t, m.pages, 1, "there is time now")
	// One that never has time answers all the same.
	m.cost = second / 120
	m.dials = []int64{m.now}
	for range 3 * patience {
		l.Turn()
	}
	require.Len(t, m.pages, 2)
}

func TestTheLogOfABattle(t *testing.T) {
	t.Parallel()
	m, l := startLoop(t)
	s := l.server
	tk := func(player byte) func(*ticket.Ticket) {
		return func(t *ticket.Ticket) { t.Room, t.Battle, t.Player = 1, ticket.ID{0xB1}, ticket.ID{player} }
	}
	a := joinWith(t, m, s, addr(1), pass(t, m, s, tk(1)))
	joinWith(t, m, s, addr(2), pass(t, m, s, tk(1)))
	joinWith(t, m, s, addr(3), pass(t, m, s, tk(2))).send(&wire.Leave{Token: s.byAddr[addr(3)].token})
	s.conclude(s.rooms[a.w.Room], "finished")
	s.startDrain()
	s.refuseRoom()
	s.refuseRoom()
	l.Turn()
	type line struct{ Level, Msg, Pod, Battle, Player, Reason, Outcome string }
	var got []line
	for text := range strings.Lines(string(m.log)) {
		var entry struct {
			line
			Room int
		}
		require.NoError(t, json.Unmarshal([]byte(text), &entry), text)
		require.Equal(t, "pod-1", entry.Pod)
		if entry.Battle != "" {
			require.Equal(t, 1, entry.Room)
		}
		entry.Pod = ""
		got = append(got, entry.line)
	}
	battle, first, other := ticket.ID{0xB1}.String(), ticket.ID{1}.String(), ticket.ID{2}.String()
	require.Equal(t, []line{
		{Level: "INFO", Msg: "started"},
		{Level: "INFO", Msg: "battle began", Battle: battle},
		{Level: "INFO", Msg: "player joined", Battle: battle, Player: first},
		{Level: "INFO", Msg: "player came back", Battle: battle, Player: first},
		{Level: "INFO", Msg: "player joined", Battle: battle, Player: other},
		{Level: "INFO", Msg: "player left", Battle: battle, Player: other, Reason: "left"},
		{Level: "INFO", Msg: "battle ended", Battle: battle, Outcome: "finished"},
		{Level: "INFO", Msg: "asked to stop"},
		{Level: "WARN", Msg: "no room for another battle"},
	}, got)
}
