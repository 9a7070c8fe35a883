package main

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLeaveWithTheEngine(t *testing.T) {
	t.Parallel()
	var parent atomic.Int32
	parent.Store(42)
	left := make(chan struct{})
	go leaveWith(func() int { return int(parent.Load()) }, time.Millisecond, time.Millisecond, func() { close(left) })
	select {
	case <-left:
		t.Fatal("it left while its engine was there")
	case <-time.After(50 * time.Millisecond):
	}
	parent.Store(1)
	<-left
	require.Equal(t, int32(1), parent.Load())
}
