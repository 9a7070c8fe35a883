//go:build !linux

package bots

// prefer does nothing where niceness is not by thread.
func prefer() (restore func()) { return func() {} }
