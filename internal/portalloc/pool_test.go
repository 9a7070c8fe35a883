package portalloc

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testPool has the ports 7000 to 7000+n-1 and a clock that the test moves.
func testPool(n int) (*Pool, *time.Time) {
	clock := time.Unix(1_000_000, 0)
	p := NewPool(7000, 7000+n-1, time.Minute)
	p.now = func() time.Time { return clock }
	return p, &clock
}

func reserve(t *testing.T, p *Pool) int {
	t.Helper()
	port, err := p.Reserve()
	require.NoError(t, err)
	return port
}

func TestReserveGivesEachPortOnce(t *testing.T) {
	t.Parallel()
	p, _ := testPool(3)
	require.Equal(t, []int{7000, 7001, 7002}, []int{reserve(t, p), reserve(t, p), reserve(t, p)})
	_, err := p.Reserve()
	require.EqualError(t, err, "no battle port is free: of the 3 ports 7000-7002, 0 are held by pods and 3 are reserved for pods being created; "+
		"widen the range or run fewer battle pods")
}

func TestReservationEndsByItself(t *testing.T) {
	t.Parallel()
	p, clock := testPool(1)
	reserve(t, p)
	*clock = clock.Add(time.Minute - 1)
	_, err := p.Reserve()
	require.Error(t, err)
	*clock = clock.Add(1)
	require.Equal(t, 7000, reserve(t, p))
}

func TestHeldPortOutlivesItsReservation(t *testing.T) {
	t.Parallel()
	p, clock := testPool(1)
	p.Hold("a", *clock, []int{reserve(t, p)})
	*clock = clock.Add(time.Hour)
	_, err := p.Reserve()
	require.ErrorContains(t, err, "1 are held by pods and 0 are reserved")
	p.Release("a")
	require.Equal(t, 7000, reserve(t, p))
}

func TestReserveTakesTheLongestUnused(t *testing.T) {
	t.Parallel()
	p, clock := testPool(3)
	for _, uid := range []string{"a", "b", "c"} {
		p.Hold(uid, *clock, []int{reserve(t, p)})
		*clock = clock.Add(time.Second)
	}
	for _, uid := range []string{"b", "c", "a"} {
		p.Release(uid)
		*clock = clock.Add(time.Second)
	}
	require.Equal(t, []int{7001, 7002, 7000}, []int{reserve(t, p), reserve(t, p), reserve(t, p)})
}

func TestNewProcessGoesOnAfterTheNewestPod(t *testing.T) {
	t.Parallel()
	p, clock := testPool(4)
	p.Hold("newest", *clock, []int{7002})
	p.Hold("older", clock.Add(-time.Minute), []int{7001})
	require.Equal(t, []int{7003, 7000}, []int{reserve(t, p), reserve(t, p)})
}

func TestHold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		act  func(p *Pool)
		held int
	}{
		"again with the same port":         {func(p *Pool) { p.Hold("a", time.Time{}, []int{7000}) }, 1},
		"again with another port":          {func(p *Pool) { p.Hold("a", time.Time{}, []int{7001, 7002}) }, 2},
		"ports outside the range":          {func(p *Pool) { p.Hold("b", time.Time{}, []int{6999, 7003, 80}) }, 1},
		"two pods with one port":           {func(p *Pool) { p.Hold("b", time.Time{}, []int{7000}) }, 1},
		"release of one of two":            {func(p *Pool) { p.Hold("b", time.Time{}, []int{7000}); p.Release("a") }, 1},
		"release of a pod never heard of":  {func(p *Pool) { p.Release("z") }, 1},
		"release twice":                    {func(p *Pool) { p.Release("a"); p.Release("a") }, 0},
		"a pod that has lost all its port": {func(p *Pool) { p.Hold("a", time.Time{}, nil) }, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := testPool(3)
			p.Hold("a", time.Time{}, []int{7000})
			tt.act(p)
			held, reserved := p.Usage()
			require.Equal(t, tt.held, held)
			require.Zero(t, reserved)
		})
	}
}

func TestPeekTakesNothing(t *testing.T) {
	t.Parallel()
	p, _ := testPool(2)
	for range 3 {
		port, err := p.Peek()
		require.NoError(t, err)
		require.Equal(t, 7000, port)
	}
	require.Equal(t, 7000, reserve(t, p))
}

// TestNoPortTwice creates and deletes pods from many goroutines and keeps its own books of who has what.
func TestNoPortTwice(t *testing.T) {
	t.Parallel()
	const workers, rounds = 16, 200
	p := NewPool(7000, 7000+workers-1, time.Minute)
	var mu sync.Mutex
	owner := map[int]int{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			uid := string(rune('a' + w))
			for range rounds {
				port, err := p.Reserve()
				if err != nil {
					t.Errorf("worker %d: %v", w, err)
					return
				}
				mu.Lock()
				if other, taken := owner[port]; taken {
					t.Errorf("port %d given to worker %d while worker %d has it", port, w, other)
				}
				owner[port] = w
				mu.Unlock()
				p.Hold(uid, time.Now(), []int{port})
				mu.Lock()
				delete(owner, port)
				mu.Unlock()
				p.Release(uid)
			}
		})
	}
	wg.Wait()
}
