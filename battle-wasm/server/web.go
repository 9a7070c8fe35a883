package server

import (
	"strconv"

	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
)

// handle answers HTTP.
func (l *Loop) handle(path []byte, r *httpd.Response) {
	switch string(path) {
	case "/healthz", "/readyz":
		l.server.appendHealth(r)
	case "/metrics":
		r.ContentType = "text/plain; version=0.0.4; charset=utf-8"
		r.Body = l.server.appendMetrics(r.Body, l.web.Counts())
	case "/v1/address":
		r.ContentType = "application/json"
		r.Body = l.server.appendAddress(r.Body)
	default:
		r.Status = 404
		r.Body = append(r.Body, "not found\n"...)
	}
}

// appendHealth says whether ticks run. That is also what readiness is: a full server is not a broken one, and players with a place
// need it.
func (s *Server) appendHealth(r *httpd.Response) {
	if s.lastTick == 0 || s.clock.Now()-s.lastTick > second {
		r.Status = 503
		r.Body = append(r.Body, "no tick for a second\n"...)
		return
	}
	r.Body = append(r.Body, "ok\n"...)
}

// appendAddress says where players reach this server, and how many it has. No value needs quoting: the configuration sees to that.
func (s *Server) appendAddress(b []byte) []byte {
	rooms, players := s.occupancy()
	e := exposition(append(b, `{"address":"`...))
	if ipv6(s.cfg.NodeIP) {
		e.text("[", s.cfg.NodeIP, "]")
	} else {
		e.text(s.cfg.NodeIP)
	}
	e.text(":", strconv.Itoa(s.cfg.Port), `","pod":"`, s.cfg.Pod, `"`)
	field := func(name string, n int) {
		e.text(`,"`, name, `":`)
		e.number(uint64(n))
	}
	field("rooms", rooms)
	field("roomsLimit", s.cfg.Rooms)
	field("players", players)
	field("maxPlayers", s.cfg.MaxPlayers)
	field("tickRate", s.cfg.TickRate)
	e.text("}\n")
	return e
}

func ipv6(ip string) bool {
	for _, c := range ip {
		if c == ':' {
			return true
		}
	}
	return false
}
