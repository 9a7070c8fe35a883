package results

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edge-arena/edge-arena/battle-wasm/report"
)

// StreamName is the stream's name.
const StreamName = "BATTLE_RESULTS"

// StreamConfig is the stream as it should be. It holds a week of a city's results several times over.
func StreamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamName, Description: "How battles ended, until the lobby has it in its ledger.",
		Subjects: []string{report.ResultSubject + "*"},
		Storage:  jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxAge: 7 * 24 * time.Hour, MaxBytes: 256 << 20, Duplicates: 10 * time.Minute, Replicas: 1,
	}
}

// The watch over a pull request to NATS: one of pullTime says each beat that it is still there.
const (
	pullTime = 20 * time.Second
	beat     = 5 * time.Second
)

// natsSource reads the stream from NATS.
type natsSource struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

// NATS reads results from JetStream by a connection that reconnects for ever ([nats.MaxReconnects] of -1). Its user must be
// let to publish
//
//	$JS.API.STREAM.INFO.BATTLE_RESULTS, $JS.API.STREAM.CREATE.BATTLE_RESULTS, $JS.API.STREAM.UPDATE.BATTLE_RESULTS
//	$JS.API.CONSUMER.CREATE.BATTLE_RESULTS.>, $JS.API.CONSUMER.MSG.NEXT.BATTLE_RESULTS.*, $JS.API.CONSUMER.DELETE.BATTLE_RESULTS.*
//
// and to subscribe to its inbox ([nats.CustomInboxPrefix]).
func NATS(conn *nats.Conn) (Source, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return &natsSource{conn: conn, js: js}, nil
}

// errDisconnected ends a session with its connection: the server that comes back may have another stream.
var errDisconnected = errors.New("connection to NATS was lost")

// Open implements [Source].
func (s *natsSource) Open(ctx context.Context) (Stream, error) {
	if !s.conn.IsConnected() {
		return Stream{}, errDisconnected // rather than wait for an answer that cannot come
	}
	want := StreamConfig()
	stream, err := s.js.Stream(ctx, StreamName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		stream, err = s.js.CreateStream(ctx, want)
	case err == nil && !isAs(stream.CachedInfo().Config, want):
		// Not without need: a stream that was updated after a restart of NATS 2.10 has another time of creation after the next one, and is read again.
		stream, err = s.js.UpdateStream(ctx, want)
	}
	if err != nil {
		return Stream{}, err
	}
	info := stream.CachedInfo()
	return Stream{Created: info.Created, Last: info.State.LastSeq}, nil
}

// isAs says whether a stream has what is wanted of it. The server adds to what it was given.
func isAs(is, want jetstream.StreamConfig) bool {
	return is.Description == want.Description && slices.Equal(is.Subjects, want.Subjects) && is.Storage == want.Storage &&
		is.Retention == want.Retention && is.Discard == want.Discard && is.MaxAge == want.MaxAge && is.MaxBytes == want.MaxBytes &&
		is.Duplicates == want.Duplicates && is.Replicas == want.Replicas
}

// Read implements [Source].
func (s *natsSource) Read(ctx context.Context, first uint64, deliver func(Message) error) error {
	lost := s.conn.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer s.conn.RemoveStatusListener(lost)
	consumer, err := s.js.CreateConsumer(ctx, StreamName, jetstream.ConsumerConfig{
		Description: "The lobby's ledger, which knows itself how far it is.",
		AckPolicy:   jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: first,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: 2 * pullTime,
	})
	if err != nil {
		return fmt.Errorf("make consumer: %w", err)
	}
	defer s.forget(ctx, consumer)
	failed := make(chan error, 1)
	fail := func(err error) {
		select {
		case failed <- err:
		default: // the first one counts
		}
	}
	last, broken := uint64(0), false
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		if broken { // what comes behind a gap is not delivered
			return
		}
		message, sequence, err := convert(m)
		if err == nil && sequence != last+1 {
			err = fmt.Errorf("delivery %d came after %d", sequence, last) // the client lost some: they are asked for again
		}
		if err == nil {
			last, err = sequence, deliver(message)
		}
		if err != nil {
			broken = true
			fail(err)
		}
	}, jetstream.PullMaxMessages(2*maxBatch), jetstream.PullExpiry(pullTime), jetstream.PullHeartbeat(beat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { fail(err) }))
	if err != nil {
		return fmt.Errorf("read consumer: %w", err)
	}
	defer func() {
		consuming.Stop()
		<-consuming.Closed() // nothing is delivered after the return
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-failed:
		return err
	case <-lost:
		return errDisconnected
	}
}

// convert returns a message and its number among those that the consumer delivered.
func convert(m jetstream.Msg) (Message, uint64, error) {
	meta, err := m.Metadata()
	if err != nil {
		return Message{}, 0, fmt.Errorf("read a message's place in the stream: %w", err)
	}
	h := m.Headers()
	return Message{
		Sequence: meta.Sequence.Stream, Time: meta.Timestamp, Pending: meta.NumPending,
		ID: h.Get(report.HeaderMessageID), MAC: h.Get(report.HeaderMAC), Payload: m.Data(),
	}, meta.Sequence.Consumer, nil
}

// forget removes the consumer from NATS, which else does so itself after a while.
func (s *natsSource) forget(ctx context.Context, consumer jetstream.Consumer) {
	if !s.conn.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.js.DeleteConsumer(ctx, StreamName, consumer.CachedInfo().Name)
}
