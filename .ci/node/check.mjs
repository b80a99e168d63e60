// An official Node client, whose package is the argument, against esdbserver,
// at $ESDB: appends by both of its ways, reads, filters, subscribes, deletes,
// and is refused as EventStoreDB refuses. Prints one line for each thing that
// holds; a thing that does not ends it.
import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';

const name = process.argv[2];
const db = await import(name);
const {
  ANY, BACKWARDS, END, FORWARDS, NO_STREAM, START, STREAM_EXISTS,
  StreamDeletedError, StreamNotFoundError, WrongExpectedVersionError,
  eventTypeFilter, excludeSystemEvents, jsonEvent, streamNameFilter,
} = db;
const Client = db.KurrentDBClient ?? db.EventStoreDBClient;

// The younger client has another name for it.
const expecting = (state) => ({expectedRevision: state, streamState: state});

const event = (type, data = {}) => jsonEvent({id: randomUUID(), type, data, metadata: {command_id: 'c'}});
const collect = async (read) => {
  const out = [];
  for await (const {event} of read) out.push(event);
  return out;
};

const checks = {
  async 'appends in batches and is told where'(client) {
    const first = event('call.opened', {title: 'žluťoučký'}), second = event('call.closed');
    for (const _ of ['once', 'again']) {
      const r = await client.appendToStream('call-1', [first, second], expecting(NO_STREAM));
      assert.equal(r.success, true);
      assert.equal(r.nextExpectedRevision, 1n);
      assert.ok(r.position.commit > 0n);
    }
    const [got, ...rest] = await collect(client.readStream('call-1'));
    assert.equal(rest.length, 1);
    assert.equal(got.id, first.id);
    assert.equal(got.revision, 0n);
    assert.deepEqual(got.data, {title: 'žluťoučký'});
    assert.deepEqual(got.metadata, {command_id: 'c'});
    assert.equal(got.isJson, true);
    assert.ok(got.created instanceof Date);
  },

  async 'appends one by one where credentials are given'(client) {
    const r = await client.appendToStream('call-2', event('call.opened'), {
      ...expecting(NO_STREAM), credentials: {username: 'admin', password: 'changeit'},
    });
    assert.equal(r.nextExpectedRevision, 0n);
    await assert.rejects(client.appendToStream('call-2', event('a.b'), {
      ...expecting(NO_STREAM), credentials: {username: 'admin', password: 'changeit'},
    }), WrongExpectedVersionError);
  },

  async 'is told of a conflict in numbers'(client) {
    await assert.rejects(client.appendToStream('call-1', event('a.b'), expecting(7n)), (err) => {
      assert.ok(err instanceof WrongExpectedVersionError, String(err));
      assert.equal(err.actualVersion ?? err.actualState, 1n);
      assert.equal(err.expectedVersion ?? err.expectedState, 7n);
      return true;
    });
    await assert.rejects(client.appendToStream('call-3', event('a.b'), expecting(STREAM_EXISTS)), WrongExpectedVersionError);
  },

  async 'has many appends under way at once'(client) {
    const all = await Promise.all(Array.from({length: 100}, (_, i) => client.appendToStream(`match-${i}`, [event('match.proposed'), event('session.held')])));
    assert.equal(new Set(all.map((r) => r.position.commit)).size, 100);
  },

  async 'appends more than one message holds'(client) {
    const many = Array.from({length: 900}, () => event('note.written', {text: 'x'.repeat(900)}));
    const r = await client.appendToStream('note-1', many, {...expecting(NO_STREAM), batchAppendSize: 100 * 1024});
    assert.equal(r.nextExpectedRevision, 899n);
    await assert.rejects(client.appendToStream('note-2', many.concat(many)),
      {type: 'maximum-append-size-exceeded', maxAppendSize: 1 << 20});
  },

  async 'reads both ways, from anywhere, and so far'(client) {
    const backwards = await collect(client.readStream('note-1', {direction: BACKWARDS, fromRevision: END, maxCount: 2}));
    assert.deepEqual(backwards.map((e) => e.revision), [899n, 898n]);
    const middle = await collect(client.readStream('note-1', {direction: FORWARDS, fromRevision: 400n, maxCount: 3}));
    assert.deepEqual(middle.map((e) => e.revision), [400n, 401n, 402n]);
    const log = await collect(client.readAll({fromPosition: START}));
    assert.equal(log.length, 3 + 200 + 900);
    const last = await collect(client.readAll({direction: BACKWARDS, fromPosition: END, maxCount: 1}));
    assert.deepEqual(last[0].position, log.at(-1).position);
    const chosen = await collect(client.readAll({filter: streamNameFilter({prefixes: ['match-1']}), maxCount: 5}));
    assert.equal(chosen.length, 5);
    await assert.rejects(collect(client.readStream('call-none')), StreamNotFoundError);
  },

  async 'subscribes to a stream and to the log, by filter too'(client) {
    const follow = async (sub, n, after) => {
      const got = [];
      let told = {caughtUp: 0, confirmed: 0};
      sub.on('confirmation', () => told.confirmed++);
      sub.on('caughtUp', () => told.caughtUp++);
      for await (const {event} of sub) {
        got.push(`${event.streamId}@${event.revision}`);
        if (after && got.length === after.at) await after.do();
        if (got.length === n) break;
      }
      return {got, told};
    };
    const live = {at: 2, do: () => client.appendToStream('call-1', event('call.extended'))};
    const stream = await follow(client.subscribeToStream('call-1', {fromRevision: START}), 3, live);
    assert.deepEqual(stream.got, ['call-1@0', 'call-1@1', 'call-1@2']);
    assert.equal(stream.told.confirmed, 1);
    const log = await follow(client.subscribeToAll({fromPosition: START, filter: excludeSystemEvents()}), 1104);
    assert.equal(log.got[0], 'call-1@0');
    assert.equal(log.got.at(-1), 'call-1@2');

    const checkpoints = [];
    const filter = eventTypeFilter({prefixes: ['session.'], checkpointInterval: 1, checkpointReached: async (_, p) => { checkpoints.push(p); }});
    const sessions = await follow(client.subscribeToAll({fromPosition: START, filter}), 100);
    assert.equal(sessions.got.length, 100);
    assert.ok(checkpoints.length > 0);
  },

  async 'deletes, and is told so'(client) {
    assert.ok((await client.deleteStream('call-2', expecting(ANY))).position.commit > 0n);
    await assert.rejects(collect(client.readStream('call-2')), StreamNotFoundError);
    assert.equal((await client.appendToStream('call-2', event('a.b'), expecting(NO_STREAM))).nextExpectedRevision, 1n);
    await assert.rejects(client.deleteStream('call-2', expecting(9n)), WrongExpectedVersionError);
    await client.tombstoneStream('call-2');
    await assert.rejects(collect(client.readStream('call-2')), StreamDeletedError);
    await assert.rejects(client.appendToStream('call-2', event('a.b')), StreamDeletedError);
  },

  async 'finds a cluster of one'(client) {
    const found = Client.connectionString(`esdb+discover://${process.env.ESDB}?tls=false`);
    assert.equal((await collect(found.readStream('call-1', {maxCount: 1}))).length, 1);
    await found.dispose();
  },
};

const client = Client.connectionString(`esdb://${process.env.ESDB}?tls=false`);
for (const [what, check] of Object.entries(checks)) {
  await check(client);
  console.log(`${name} ${what}`);
}
await client.dispose();
console.log(`${Object.keys(checks).length} passed, 0 failed`);
