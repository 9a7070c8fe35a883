package ratelimit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/lobby/ratelimit"
)

func TestAllow(t *testing.T) {
	t.Parallel()
	l := ratelimit.New[string](ratelimit.Rate{Requests: 2, Per: 10 * time.Second}, 8)
	now := time.Unix(1000, 0)
	for range 2 {
		_, ok := l.Allow("a", now)
		require.True(t, ok)
	}
	for range 3 {
		wait, ok := l.Allow("a", now)
		require.False(t, ok)
		require.Equal(t, 5*time.Second, wait, "a refused request makes the wait no longer")
	}
	_, ok := l.Allow("b", now)
	require.True(t, ok, "another's bucket is another")
	_, ok = l.Allow("a", now.Add(5*time.Second))
	require.True(t, ok)
	_, ok = l.Allow("a", now.Add(5*time.Second))
	require.False(t, ok)
}

func TestForgetsWhoAskedLongestAgo(t *testing.T) {
	t.Parallel()
	l := ratelimit.New[int](ratelimit.Rate{Requests: 1, Per: time.Hour}, 3)
	now := time.Unix(1000, 0)
	for i := range 3 {
		_, ok := l.Allow(i, now)
		require.True(t, ok)
	}
	_, ok := l.Allow(0, now)
	require.False(t, ok)
	_, ok = l.Allow(3, now)
	require.True(t, ok)
	require.Equal(t, 3, l.Keys())
	_, ok = l.Allow(0, now)
	require.False(t, ok, "who keeps asking stays known")
	_, ok = l.Allow(1, now)
	require.True(t, ok, "1 asked longest ago")
	require.Equal(t, 3, l.Keys())
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	const want = "rate must be requests/time, such as 10/1m"
	for text, tc := range map[string]struct {
		rate ratelimit.Rate
		err  string
	}{
		"10/1m":    {rate: ratelimit.Rate{Requests: 10, Per: time.Minute}},
		"5/s":      {rate: ratelimit.Rate{Requests: 5, Per: time.Second}},
		"1/1h30m":  {rate: ratelimit.Rate{Requests: 1, Per: 90 * time.Minute}},
		"":         {err: want},
		"5":        {err: want},
		"5/":       {err: want},
		"0/1m":     {err: want},
		"-1/1m":    {err: want},
		"5/-1m":    {err: want},
		"5/0s":     {err: want},
		"5/minute": {err: want},
		"x/1m":     {err: want},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			r, err := ratelimit.ParseRate(text)
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.rate, r)
			again, err := ratelimit.ParseRate(r.String())
			require.NoError(t, err)
			require.Equal(t, r, again)
		})
	}
}
