package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Run asks the battle server at address (`host:port`) for the number of its run, to which tickets are bound.
func Run(ctx context.Context, address string) (uint64, error) {
	url := "http://" + address + "/v1/address"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, fmt.Errorf("ask a battle server for its run: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask a battle server for its run: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // It was read.
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("ask a battle server for its run: %s: %s", url, resp.Status)
	}
	var answer struct {
		Run string `json:"run"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4096)).Decode(&answer); err != nil {
		return 0, fmt.Errorf("ask a battle server for its run: %s: %w", url, err)
	}
	run, err := strconv.ParseUint(answer.Run, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("ask a battle server for its run: %s: %w", url, err)
	}
	return run, nil
}
