import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { CheckpointWriter } from "../../../services/worker/checkpoint/checkpoint-writer.ts";
import { Retention } from "../../../services/worker/processor/retention.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";
import { until } from "../../fixtures/until.ts";

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

function writerOf(checkpoint: Partial<Checkpoint>): CheckpointWriter {
  const loaded = { ...firstCheckpoint, ...checkpoint };
  return new CheckpointWriter({ loaded, save: async () => {}, onError: () => {} });
}

const retention = () => new Retention(processor, logs, (task) => task(), Date.now);

test("commands that are too old are removed, but none that a rebuild needs (A5)", async () => {
  assert.equal(await logs.first(processor), 1);
  const allStoredMs = Date.now();
  await until("a while has passed", () => Date.now() > allStoredMs + 1_000);
  const between = Date.now();
  for (let index = 1; index <= 5; index++) await logs.append({ ...observe, id: `late ${index}` });
  assert.equal((await logs.firstSince(processor, between))?.sequence, 11);
  const ageMs = Date.now() - between;

  const needed = writerOf({ applied: 15, replayFrom: { sequence: 4, step: 0 } });
  await retention().trim(needed, { commands: anyNumber, ageMs });
  assert.equal(await logs.first(processor), 4, "the rebuild's first one is kept whatever its age");

  const learned = writerOf({ applied: 15, replayFrom: { sequence: 16, step: 0 } });
  await retention().trim(learned, { commands: anyNumber, ageMs: 0 });
  assert.equal(await logs.first(processor), 4, "without an age all of so large a number is kept");
  // This age lies half a second before the late ones and half a second after the early ones.
  await retention().trim(learned, { commands: anyNumber, ageMs: Date.now() - between + 500 });
  assert.equal(await logs.first(processor), 11);
  await retention().trim(learned, { commands: 2, ageMs: 3_600_000 });
  assert.equal(await logs.first(processor), 14, "the number counts as well");
  assert.equal(await logs.firstSince(processor, Date.now() + 3_600_000), undefined);
});

test("when all commands are too old the log is empty, and its next sequence is known", async () => {
  const learned = writerOf({ applied: 15, replayFrom: { sequence: 16, step: 0 } });
  await until("all is older than a millisecond", async () => {
    await retention().trim(learned, { commands: anyNumber, ageMs: 1 });
    return (await logs.first(processor)) === 16;
  });
});

/** The logs, with a count of how often they were asked how full one is. */
function countingLogs() {
  const asked = { fill: 0 };
  const counting: ConstructorParameters<typeof Retention>[1] = {
    fill: (id) => {
      asked.fill++;
      return logs.fill(id);
    },
    firstSince: (id, sinceMs) => logs.firstSince(id, sinceMs),
    trim: (id, sequence) => logs.trim(id, sequence),
  };
  return { counting, asked };
}

test("an idle processor's log is asked how full it is only once, unless it has a limit", async () => {
  const kept = { commands: anyNumber, ageMs: 0 };
  const writer = writerOf({ applied: 15, replayFrom: { sequence: 16, step: 0 } });
  const { counting, asked } = countingLogs();
  const unlimited = new Retention(processor, counting, (task) => task(), Date.now);
  for (let times = 0; times < 3; times++) await unlimited.trim(writer, kept);
  assert.equal(asked.fill, 1);
  writer.update({ applied: 16 });
  await writer.flush();
  for (let times = 0; times < 3; times++) await unlimited.trim(writer, kept);
  assert.equal(asked.fill, 2, "once more when something was applied");

  const limitedLogs = await CommandLogs.open(connection, { replicas: 1, maxBytes: 1_000_000 });
  await limitedLogs.ensure("limited");
  const limited = new Retention("limited", counting, (task) => task(), Date.now);
  for (let times = 0; times < 3; times++) await limited.trim(writer, kept);
  assert.equal(asked.fill, 5, "commands that wait may fill it meanwhile");
});
