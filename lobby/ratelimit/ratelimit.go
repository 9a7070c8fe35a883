// Package ratelimit bounds how often each of many callers may ask.
package ratelimit

import (
	"container/list"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is a number of requests in a time. That many may also come at once.
type Rate struct {
	Requests int
	Per      time.Duration
}

// ParseRate reads a rate such as `10/1m` or `5/s`.
func ParseRate(text string) (Rate, error) {
	var r Rate
	return r, r.Set(text)
}

// String is the rate as [ParseRate] reads it.
func (r Rate) String() string { return strconv.Itoa(r.Requests) + "/" + r.Per.String() }

// Set makes a rate a flag.
func (r *Rate) Set(text string) error {
	requests, per, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(requests)
	if !ok || err != nil || n < 1 {
		return errors.New("rate must be requests/time, such as 10/1m")
	}
	if per != "" && (per[0] < '0' || per[0] > '9') {
		per = "1" + per
	}
	d, err := time.ParseDuration(per)
	if err != nil || d <= 0 {
		return errors.New("rate must be requests/time, such as 10/1m")
	}
	r.Requests, r.Per = n, d
	return nil
}

// Limiter has a token bucket for each key. When there are more keys than it may keep, it forgets the one that asked longest ago: a flood of
// keys costs memory no further, and whoever keeps asking stays known.
type Limiter[K comparable] struct {
	rate Rate
	keep int

	mu      sync.Mutex
	buckets map[K]*list.Element
	recent  *list.List // of *bucket[K], the newest first
}

type bucket[K comparable] struct {
	key K
	*rate.Limiter
}

// New returns a limiter that keeps at most so many keys.
func New[K comparable](r Rate, keep int) *Limiter[K] {
	return &Limiter[K]{rate: r, keep: keep, buckets: map[K]*list.Element{}, recent: list.New()}
}

// Allow takes a token from the key's bucket, or says how long it is until there is one. A request that is refused takes none.
func (l *Limiter[K]) Allow(key K, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	r := b.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// Keys is how many keys have a bucket.
func (l *Limiter[K]) Keys() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recent.Len()
}

func (l *Limiter[K]) bucket(key K) *bucket[K] {
	if e, ok := l.buckets[key]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket[K])
	}
	if l.recent.Len() >= l.keep {
		oldest := l.recent.Back()
		delete(l.buckets, l.recent.Remove(oldest).(*bucket[K]).key)
	}
	b := &bucket[K]{key: key, Limiter: rate.NewLimiter(rate.Limit(float64(l.rate.Requests)/l.rate.Per.Seconds()), l.rate.Requests)}
	l.buckets[key] = l.recent.PushFront(b)
	return b
}
