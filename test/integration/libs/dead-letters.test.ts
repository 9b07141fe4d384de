import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";

let nats: TestNatsServer;
let connection: NatsConnection;
let letters: DeadLetters;
before(async () => {
  nats = await startNats();
  connection = await connect({ servers: nats.url });
  letters = await DeadLetters.open(connection, 1);
  for (let sequence = 1; sequence <= 30; sequence++) await put("p1", sequence);
  await put("p2", 7);
});
after(async () => {
  await connection?.close();
  await nats?.stop();
});

const put = (processor: string, sequence: number) =>
  letters.put({
    processor,
    sequence,
    command: `c${sequence}`,
    method: "Learn",
    data: Buffer.from([sequence]),
    outcome: "failed",
    grpcStatus: 0,
    text: "no",
    atMs: sequence,
  });
const sequences = async (processor: string, from: number, limit: number) =>
  (await letters.list(processor, from, limit)).map(({ sequence }) => sequence);

test("a page of dead letters has those that are wanted, and reads no others", async () => {
  assert.deepEqual(await sequences("p1", 0, 3), [1, 2, 3]);
  assert.deepEqual(await sequences("p1", 28, 100), [28, 29, 30]);
  assert.deepEqual(await sequences("p2", 0, 100), [7]);
  assert.deepEqual(await sequences("nobody", 0, 100), []);
  const before = connection.stats().inMsgs;
  assert.deepEqual(await sequences("p1", 31, 100), []);
  assert.equal(connection.stats().inMsgs - before, 1);
});

test("of too many dead letters of one processor the oldest are dropped", async () => {
  assert.equal(await letters.trim("p1", 10), 20);
  assert.deepEqual(await sequences("p1", 0, 100), [21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  assert.deepEqual(await sequences("p2", 0, 100), [7]);
  assert.equal(await letters.trim("p1", 10), 0);
});
