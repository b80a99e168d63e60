package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/eventstore/durable"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/relay"
)

// relayHelp is what serve says of --relay.
const relayHelp = `

With --relay FILE others are told of events as they are recorded, as CloudEvents,
each at least once and in order: webhooks by signed requests (Standard Webhooks),
NATS JetStream under SUBJECT.NAME, Kafka in the topic SUBJECT, keyed by stream, and
AMQP 0-9-1, such as RabbitMQ, in the topic exchange SUBJECT, routed by NAME. The
file says whom, and of what:

  targets:
    - target: website
      kind: webhook
      url: https://example.org/daybook
      secret: {env: WEBSITE_SECRET}      # or {file: website.secret}: whsec_...
      events: [session.held, match.made]
    - target: bus
      kind: nats
      url: nats://127.0.0.1:4222
      subject: daybook
      events: [session.held]
    - target: warehouse
      kind: kafka                        # or amqp, with amqp://HOST:PORT/VHOST
      url: kafka://127.0.0.1:9092        # kafkas:// with TLS, and SASL/PLAIN with a secret
      subject: daybook
      secret: {file: warehouse.login}    # user:password
      events: [session.held]

A target that keeps saying no is parked: the data directory's relay-TARGET.parked
says why. Remove that file, and within five minutes the target is told everything
it missed. Its place in the log is kept in relay-TARGET.checkpoint; a new target
begins with the first event there is. Where an older log.db was put back, a target
that was told more than it has is told nothing: put the newest copy back, or
remove that file, and the target is told everything again.

The same file names sources: subjects of NATS JetStream, or queues of AMQP, whose
messages are commands, done by and for one person, and no others:

  sources:
    - source: desk
      kind: nats                         # or amqp: subject and answers are queues
      url: nats://127.0.0.1:4222
      subject: desk.commands
      answers: desk.answers              # command.done or command.refused, for each message
      by: coordinator/anna
      commands: [session.hold]

A message is a CloudEvent in JSON: id and source, by which one that comes twice is
done once; as its type the command; as its data the command's fields, as daybook do
takes them.`

// relayConfig reads the file of --relay; none is nobody.
func relayConfig(file string) (relay.Config, error) {
	if file == "" {
		return relay.Config{}, nil
	}
	config, err := relay.Load(file)
	if badPath := new(fs.PathError); errors.As(err, &badPath) {
		return relay.Config{}, usage{err} // the user's file, or one that it names
	}
	return config, err
}

// relay tells the targets of events, and does the sources' commands, until ctx
// ends. What was rehearsed is nobody's business.
func (b *book) relay(ctx context.Context, config relay.Config, log *slog.Logger) error {
	if len(config.Targets)+len(config.Sources) == 0 {
		return nil
	}
	if b.clock != nil {
		log.Info("this daybook was rehearsed: nothing is relayed")
		return nil
	}
	path := func(target, kind string) string { return filepath.Join(b.dir, "relay-"+target+"."+kind) }
	return relay.Run(ctx, relay.Options{
		Store: b.store, Config: config, Now: b.engine.Now, Log: log,
		Do: func(ctx context.Context, by, command string, fields json.RawMessage, id uuid.UUID) (workflows.Result, error) {
			return b.engine.DoAs(ctx, by, command, fields, nil, workflows.Cause{CommandID: id, Channel: "relay"})
		},
		Checkpoint: func(target string) workflows.Checkpoint {
			return checkpoint{path(target, "checkpoint"), b.store.ID(), durable.WriteFile}
		},
		Parking: func(target string) relay.Parking { return parking(path(target, "parked")) },
	})
}

// parking is a file: while it is there, its target is parked.
type parking string

func (p parking) Parked() (bool, error) {
	_, err := os.Stat(string(p))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (p parking) Park(note string) error {
	return durable.WriteFile(string(p), []byte(note+"\n"), 0o600)
}

func (p parking) How() string { return "remove " + string(p) }
