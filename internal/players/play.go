package players

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/edge-arena/edge-arena/battle-wasm/client"
	"github.com/edge-arena/edge-arena/battle-wasm/wire"
)

// Ending is how a battle ended for a player.
type Ending struct {
	// Over is whether the server said that the battle is over. Otherwise it was lost with its pod.
	Over bool
	// Record is what was heard last of the battle's result.
	Record wire.Record
	// Snapshots is how many states of the battle came.
	Snapshots int
}

// The times of a player.
const (
	// inputEvery is the time between two inputs: fewer than a real player sends, for what is counted here are battles.
	inputEvery = 50 * time.Millisecond
	// silence is after how long without a word the server is taken for gone.
	silence = 3 * time.Second
	// recordWait is how long a player waits to hear that its battle has been recorded.
	recordWait = 30 * time.Second
)

// Play takes a seat and plays until the battle is over or its server is gone. After the end it waits for the news that the result is recorded. An
// error says why the seat could not be taken.
func Play(ctx context.Context, seat Seat) (Ending, error) {
	var end Ending
	sealed, err := seat.Sealed()
	if err != nil {
		return end, err
	}
	c, err := client.Dial(ctx, seat.Address)
	if err != nil {
		return end, err
	}
	defer c.Close() //nolint:errcheck // A socket that has done its work.
	joining, cancel := context.WithDeadline(ctx, seat.ExpiresAt)
	defer cancel()
	if _, err := c.Join(joining, sealed); err != nil {
		return end, fmt.Errorf("take the seat: %w", err)
	}
	play(ctx, c, &end)
	if end.Over && end.Record == wire.RecordPending {
		listen(ctx, c, &end)
	}
	return end, nil
}

// play sends inputs and receives what comes until the end, or until nothing comes any more.
func play(ctx context.Context, c *client.Client, end *Ending) {
	var e client.Event
	heard, seq := time.Now(), uint32(0)
	for ctx.Err() == nil && time.Since(heard) < silence {
		seq++
		_ = c.Send(&wire.Input{Seq: seq, Command: wire.Command{MoveX: int8(seq % 100), Aim: uint16(seq * 977), Buttons: wire.ButtonFire}}) // a lost one is as good as none
		next := time.Now().Add(inputEvery)
		for {
			if c.SetReadDeadline(next) != nil {
				return
			}
			err := c.Receive(&e)
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ECONNREFUSED):
			case err != nil:
				return
			case e.Kind == wire.KindSnapshot:
				heard = time.Now()
				end.Snapshots++
				continue
			case e.Kind == wire.KindEnd:
				end.Over, end.Record = true, e.End.Record
				return
			case e.Kind == wire.KindReject && end.Snapshots > 0:
				return // the server has been started anew
			}
			break
		}
		time.Sleep(time.Until(next))
	}
}

// knockEvery is the time between two inputs of a player whose battle is over. A server passes them by; where it is gone, the system says so.
const knockEvery = 200 * time.Millisecond

// listen waits for the news that the result is recorded, as long as there is somebody to bring it.
func listen(ctx context.Context, c *client.Client, end *Ending) {
	until := time.Now().Add(recordWait)
	var e client.Event
	for ctx.Err() == nil && time.Now().Before(until) && end.Record != wire.RecordDone {
		if errors.Is(c.Send(&wire.Input{}), syscall.ECONNREFUSED) || c.SetReadDeadline(time.Now().Add(knockEvery)) != nil {
			return
		}
		err := c.Receive(&e)
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNREFUSED):
			return
		case err == nil && e.Kind == wire.KindEnd:
			end.Record = e.End.Record
		case err == nil:
			time.Sleep(knockEvery) // It answers, but not what is waited for.
		}
	}
}
