import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../libs/commands/log.ts";
import type { Checkpoint } from "../../services/worker/checkpoint.ts";
import { CheckpointBook, firstCheckpoint } from "../../services/worker/checkpoint.ts";
import { Trimmer } from "../../services/worker/trimmer.ts";
import type { TestNatsServer } from "../fixtures/nats-server.ts";
import { startNats } from "../fixtures/nats-server.ts";
import { until } from "../fixtures/system.ts";

const processor = "p1";
const observe = { processor, method: "Observe", data: new Uint8Array() };
const anyNumber = Number.MAX_SAFE_INTEGER;

let nats: TestNatsServer;
let connection: NatsConnection;
let logs: CommandLogs;
before(async () => {
  nats = await startNats();
  connection = await connect({ servers: nats.url });
  logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
  await logs.ensure(processor);
  for (let index = 1; index <= 10; index++) await logs.append({ ...observe, id: `early ${index}` });
});
after(async () => {
  await connection?.close();
  await nats?.stop();
});

function bookOf(checkpoint: Partial<Checkpoint>): CheckpointBook {
  const loaded = { ...firstCheckpoint, ...checkpoint };
  return new CheckpointBook({ loaded, save: async () => {}, onError: () => {} });
}

const trimmer = () => new Trimmer(processor, logs, (task) => task());

test("what is too old is taken out, and never what a rebuild needs (A5)", async () => {
  assert.equal(await logs.first(processor), 1);
  const lateFromMs = (await logs.firstSince(processor, 0))?.storedAtMs ?? 0;
  await until("a while has passed", () => Date.now() > lateFromMs + 200);
  const between = Date.now();
  for (let index = 1; index <= 5; index++) await logs.append({ ...observe, id: `late ${index}` });
  assert.equal((await logs.firstSince(processor, between))?.sequence, 11);
  const ageMs = Date.now() - between;

  const needed = bookOf({ applied: 15, replayFrom: { sequence: 4, step: 0 } });
  await trimmer().trim(needed, { commands: anyNumber, ageMs });
  assert.equal(await logs.first(processor), 4, "the rebuild's first one is kept whatever its age");

  const learned = bookOf({ applied: 15, replayFrom: { sequence: 16, step: 0 } });
  await trimmer().trim(learned, { commands: anyNumber, ageMs: 0 });
  assert.equal(await logs.first(processor), 4, "without an age all of so large a number is kept");
  await trimmer().trim(learned, { commands: anyNumber, ageMs: Date.now() - between });
  assert.equal(await logs.first(processor), 11);
  await trimmer().trim(learned, { commands: 2, ageMs: 3_600_000 });
  assert.equal(await logs.first(processor), 14, "the number counts as well");
  assert.equal(await logs.firstSince(processor, Date.now() + 3_600_000), undefined);
});

test("when everything is too old the log is empty, and its next sequence is known", async () => {
  const learned = bookOf({ applied: 15, replayFrom: { sequence: 16, step: 0 } });
  await until("all is older than a millisecond", async () => {
    await trimmer().trim(learned, { commands: anyNumber, ageMs: 1 });
    return (await logs.first(processor)) === 16;
  });
});
