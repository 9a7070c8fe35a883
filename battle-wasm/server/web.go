package server

import (
	"strconv"
	"strings"

	"github.com/edge-arena/edge-arena/battle-wasm/httpd"
)

// handle answers HTTP.
func (l *Loop) handle(q httpd.Request, r *httpd.Response) {
	switch string(q.Path) {
	case "/healthz", "/readyz":
		l.server.appendHealth(r)
	case "/metrics":
		r.ContentType = "text/plain; version=0.0.4; charset=utf-8"
		r.Body = l.server.appendMetrics(r.Body, l.web.Counts())
	case "/drain":
		l.handleDrain(q, r)
	case "/v1/address":
		r.ContentType = "application/json"
		r.Body = l.server.appendAddress(r.Body)
	default:
		r.Status = 404
		r.Body = append(r.Body, "not found\n"...)
	}
}

// handleDrain is the pod's preStop hook: its answer is that the pod can be stopped. The kubelet asks for it over the loopback interface, and nobody else may.
func (l *Loop) handleDrain(q httpd.Request, r *httpd.Response) {
	if !l.machine.Local(q.Conn) {
		r.Status = 403
		r.Body = append(r.Body, "only from this machine\n"...)
		return
	}
	l.server.startDrain()
	if !l.server.drained() {
		r.Later = true
		return
	}
	r.Body = append(r.Body, "drained\n"...)
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
	e.text(s.address, `","pod":"`, s.cfg.Pod, `","run":"`, s.runText, `"`)
	e.field("rooms", uint64(rooms))
	e.field("roomsLimit", uint64(s.cfg.Rooms))
	e.field("players", uint64(players))
	e.field("maxPlayers", uint64(s.cfg.MaxPlayers))
	e.field("tickRate", uint64(s.cfg.TickRate))
	e.text(`,"draining":`, boolean(s.drain.on), "}\n")
	return e
}

// hostPort is an address, IPv6 in brackets.
func hostPort(ip string, port int) string {
	if strings.Contains(ip, ":") {
		ip = "[" + ip + "]"
	}
	return ip + ":" + strconv.Itoa(port)
}

// hex16 is a number in 16 hexadecimal digits.
func hex16(n uint64) string {
	digits := strconv.FormatUint(n, 16)
	return "0000000000000000"[len(digits):] + digits
}
