package server

// observeLoad takes how long the server was busy with a tick and all that came before it. Where that leaves too little time for more, it says so.
func (s *Server) observeLoad(busy, period int64) {
	before := s.load.Overloaded()
	s.load.Observe(busy, period)
	after := s.load.Overloaded()
	rooms, players := 0, 0
	if after != before {
		rooms, players = s.occupancy()
	}
	if rooms == 0 {
		return // nothing has changed, or nothing that matters to anybody
	}
	s.presence.changed = true
	msg := "takes battles again"
	if after {
		msg = "takes no more battles: ticks need too much of their time"
	}
	s.journal.Warn(s.clock.Wall(), msg).Number("tickShare", int64(s.load.Share()/10)).Number("rooms", int64(rooms)).Number("players", int64(players)).End()
}

// overloaded says whether another battle would make the ticks of those that there are late. A server without any takes one.
func (s *Server) overloaded() bool {
	if !s.load.Overloaded() {
		return false
	}
	rooms, _ := s.occupancy()
	return rooms > 0
}
