package server

import "math/bits"

// sessions finds most players by their token at once: it is a cache over the map of all of them, in which a look costs as much as a packet costs otherwise. A place whose
// player has left has another token, so nothing need be removed.
type sessions []*player

// newSessions has so much room that few of them share a place when all places are taken.
func newSessions(places int) sessions {
	return make(sessions, 1<<bits.Len(uint(8*places)))
}

// find gives the player with a token, nil where it is not in the cache. Tokens are random, so a part of one says where.
func (s sessions) find(token uint64) *player {
	if p := s[token%uint64(len(s))]; p != nil && p.token == token && token != 0 {
		return p
	}
	return nil
}

func (s sessions) note(p *player) { s[p.token%uint64(len(s))] = p }
