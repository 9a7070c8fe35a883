//go:build !linux

package bots

import (
	"context"
	"errors"
)

func herd(context.Context, Config, []int) (Result, error) {
	return Result{}, errors.New("needs Linux")
}
