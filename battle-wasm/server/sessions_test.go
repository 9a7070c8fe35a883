package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	s := newSessions(10)
	size := uint64(len(s))
	require.GreaterOrEqual(t, size, uint64(80))
	p, q := &player{token: 5}, &player{token: 5 + size}
	require.Nil(t, s.find(5))
	s.note(p)
	require.Same(t, p, s.find(5))
	require.Nil(t, s.find(5+size), "another one of the same place")
	s.note(q)
	require.Same(t, q, s.find(5+size))
	require.Nil(t, s.find(5), "the map has it still")
	q.token = 0
	require.Nil(t, s.find(5+size), "who has left is not found")
	r := &player{token: size}
	s.note(r)
	r.token = 0
	require.Nil(t, s.find(0), "no token is nobody's")
}

// The kinds of packets are counted in the order in which the metrics are written.
func TestKindIndex(t *testing.T) {
	t.Parallel()
	index := map[wire.Kind]int{}
	for i, k := range kinds {
		index[k] = i
	}
	for k := range 256 {
		require.Equal(t, index[wire.Kind(k)], kindIndex(wire.Kind(k)), "kind %d", k)
	}
	require.Equal(t, wire.KindChallenge, kinds[firstAnswer])
}
