import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { openBucket, purgeKeys } from "../../../libs/nats/buckets.ts";
import { withCheapUpdates } from "../../../libs/nats/cheap-updates.ts";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { CheckpointStore } from "../../../services/worker/checkpoint/checkpoint-store.ts";
import { LeaseLost } from "../../../services/worker/model/interruptions.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import { startNats } from "../../fixtures/nats-server.ts";

let nats: TestNatsServer;
let connection: NatsConnection;
let bucket: KV;
before(async () => {
  nats = await startNats();
  connection = await connect({ servers: nats.url });
  const opened = await openBucket(connection, "checkpoints", 1);
  bucket = withCheapUpdates(opened, "checkpoints", { connection, inboxPrefix: "_INBOX" });
});
after(async () => {
  await connection?.close();
  await nats?.stop();
});

const storeOf = (processor: string) =>
  new CheckpointStore(bucket, processor, { held: true }, (keys) =>
    purgeKeys(connection, "checkpoints", keys),
  );

/** Larger than a message of NATS, with characters of several bytes where it is cut. */
function largeCheckpoint(applied: number): Checkpoint {
  const at = { sequence: applied, step: 0 };
  return { ...firstCheckpoint, applied, vectorEvents: [{ at, symbols: ["ä€𝄞".repeat(300_000)] }] };
}

async function keysOf(processor: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of await bucket.keys(`${processor}.>`)) keys.push(key);
  return keys;
}

test("a checkpoint of any size is loaded as it was saved, and its parts are removed when it is small again", async () => {
  assert.equal(await storeOf("p1").load(), undefined);
  const store = storeOf("p1");
  const small = { ...firstCheckpoint, applied: 1 };
  await store.save(small);
  assert.deepEqual(await storeOf("p1").load(), small);
  await store.save(largeCheckpoint(2));
  assert.deepEqual(await storeOf("p1").load(), largeCheckpoint(2));
  await store.save(largeCheckpoint(3));
  const keys = await keysOf("p1");
  assert.equal(new Set(keys.map((key) => key.split(".")[1])).size, 1, "the parts of the one before are gone");

  const next = storeOf("p1");
  assert.deepEqual(await next.load(), largeCheckpoint(3));
  await assert.doesNotReject(next.save({ ...small, applied: 4 }));
  assert.deepEqual(await keysOf("p1"), []);
  assert.equal((await storeOf("p1").load())?.applied, 4);
});

test("the applied sequence can be read whatever the size of the checkpoint", async () => {
  await storeOf("p2").save(largeCheckpoint(7));
  assert.equal((await bucket.get("p2"))?.json<Checkpoint>().applied, 7);
});

test("a writer that another one has followed cannot write any more (A5)", async () => {
  const [older, newer] = [storeOf("p3"), storeOf("p3")];
  await older.save(largeCheckpoint(1));
  await newer.load();
  await newer.save(largeCheckpoint(2));
  await assert.rejects(older.save(largeCheckpoint(1)), LeaseLost);
  assert.deepEqual(await storeOf("p3").load(), largeCheckpoint(2));
});

test("parts that a crash between two writes left behind are removed by the next large write", async () => {
  await bucket.put("p4.orphan.0", "left");
  const store = storeOf("p4");
  await store.save(largeCheckpoint(1));
  assert.equal((await keysOf("p4")).filter((key) => key.includes("orphan")).length, 0);
  assert.deepEqual(await storeOf("p4").load(), largeCheckpoint(1));
});

test("a checkpoint that has lost a part, or is no checkpoint, counts as gone, and can be written again", async () => {
  await storeOf("p9").save(largeCheckpoint(1));
  const [part = ""] = await keysOf("p9");
  await bucket.delete(part);
  const store = storeOf("p9");
  assert.equal(await store.load(), undefined);
  await store.save({ ...firstCheckpoint, applied: 2 });
  assert.equal((await storeOf("p9").load())?.applied, 2);
  await bucket.put("p9", "{");
  assert.equal(await storeOf("p9").load(), undefined);
});
