// Kurrent is the younger official Go client against esdbserver, at $ESDB: it
// appends, reads, subscribes, and is told that it has caught up. It is a
// module of its own because both Go clients register the same messages, and
// a binary that links both does not start.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/kurrent-io/KurrentDB-Client-Go/kurrentdb"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	passed := 0
	err := check(ctx, func(what string) {
		passed++
		fmt.Println("kurrent", what)
	})
	failed := 0
	if err != nil {
		fmt.Fprintln(os.Stderr, "kurrent:", err)
		failed = 1
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	os.Exit(failed)
}

func check(ctx context.Context, holds func(string)) error {
	config, err := kurrentdb.ParseConnectionString("esdb://" + os.Getenv("ESDB") + "?tls=false")
	if err != nil {
		return err
	}
	config.Logger = kurrentdb.NoopLogging()
	client, err := kurrentdb.NewClient(config)
	if err != nil {
		return err
	}
	defer client.Close()

	events := make([]kurrentdb.EventData, 3)
	for i := range events {
		events[i] = kurrentdb.EventData{
			EventID: uuid.New(), EventType: "session.held", ContentType: kurrentdb.ContentTypeJson,
			Data: fmt.Appendf(nil, `{"n": %d}`, i), Metadata: []byte(`{}`),
		}
	}
	for range 2 { // the second is a retry
		r, err := client.AppendToStream(ctx, "match-1", kurrentdb.AppendToStreamOptions{StreamState: kurrentdb.NoStream{}}, events...)
		if err != nil {
			return err
		}
		if r.NextExpectedVersion != 2 || r.CommitPosition == 0 {
			return fmt.Errorf("appended, found %+v", r)
		}
	}
	holds("appends, and a retry is answered as the first time")

	wrong := new(kurrentdb.Error)
	_, err = client.AppendToStream(ctx, "match-1", kurrentdb.AppendToStreamOptions{StreamState: kurrentdb.Revision(7)}, kurrentdb.EventData{
		EventID: uuid.New(), EventType: "a.b", ContentType: kurrentdb.ContentTypeJson, Data: []byte(`{}`),
	})
	if !errors.As(err, &wrong) || wrong.Code() != kurrentdb.ErrorCodeWrongExpectedVersion {
		return fmt.Errorf("expected a conflict, found %v", err)
	}
	holds("is told of a conflict")

	read, err := client.ReadStream(ctx, "match-1", kurrentdb.ReadStreamOptions{}, 10)
	if err != nil {
		return err
	}
	defer read.Close()
	for i := range events {
		e, err := read.Recv()
		if err != nil {
			return err
		}
		if e.Event.EventID != events[i].EventID || string(e.Event.Data) != string(events[i].Data) {
			return fmt.Errorf("read %+v", e.Event)
		}
	}
	if _, err := read.Recv(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("expected the end, found %v", err)
	}
	holds("reads what it appended")

	sub, err := client.SubscribeToAll(ctx, kurrentdb.SubscribeToAllOptions{
		From: kurrentdb.Start{}, Filter: kurrentdb.ExcludeSystemEventsFilter(),
	})
	if err != nil {
		return err
	}
	defer sub.Close()
	seen, checkpoints := 0, 0
	for {
		m := sub.Recv()
		switch {
		case m.EventAppeared != nil:
			seen++
		case m.CheckPointReached != nil:
			checkpoints++
		case m.SubscriptionDropped != nil:
			return m.SubscriptionDropped.Error
		case m.CaughtUp != nil:
			if seen != 3 || checkpoints != 1 {
				return fmt.Errorf("caught up after %d events and %d checkpoints", seen, checkpoints)
			}
			holds("subscribes, and is told when it has caught up")
			return nil
		default:
			return errors.New("a message of nothing")
		}
	}
}
