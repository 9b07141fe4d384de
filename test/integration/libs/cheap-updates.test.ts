import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { TimeoutError } from "@nats-io/transport-node";
import { bucketStream, keySubject, openBucket } from "../../../libs/nats/buckets.ts";
import { withCheapUpdates, withUpdatesTogether } from "../../../libs/nats/cheap-updates.ts";
import { isConflict } from "../../../libs/nats/errors.ts";
import { openLeases } from "../../../services/worker/assignment/lease-bucket.ts";
import { hasBatches } from "../../fixtures/batches.ts";
import { withStreams } from "../../fixtures/bulk.ts";
import { connectedNats } from "../../fixtures/connected-nats.ts";

const linkTo = (connection: NatsConnection) => ({ connection, inboxPrefix: "_INBOX" });

test("a cheap update is a compare-and-set, and fails as that of nats.js does", async (t) => {
  const { nats, connection } = await connectedNats(t);
  const bucket = withCheapUpdates(await openBucket(connection, "leases", 1), "leases", linkTo(connection));
  const first = await bucket.create("p1", "one");
  const revisions = await Promise.all([bucket.update("p1", "two", first), bucket.put("p2", "other")]);
  assert.deepEqual(
    [(await bucket.get("p1"))?.string(), (await bucket.get("p1"))?.revision],
    ["two", revisions[0]],
  );
  await assert.rejects(bucket.update("p1", "three", first), isConflict);
  assert.equal((await bucket.get("p1"))?.string(), "two");
  await withStreams(nats.url, (streams) => streams.delete(bucketStream("leases")));
  await assert.rejects(bucket.update("p1", "three", revisions[0], 1_000), TimeoutError);
  await connection.close();
  await assert.rejects(bucket.update("p1", "three", revisions[0]), /closed/i);
});

const keys = Array.from({ length: 120 }, (_, index) => `p${index}`);
const makeIn = (bucket: KV) => Promise.all(keys.map((key) => bucket.create(key, "w1")));
const updateIn = (bucket: KV, revisions: number[]) =>
  Promise.allSettled(keys.map((key, index) => bucket.update(key, "w1", revisions[index] ?? 0, 2_000)));
const revisionsOf = (updated: Awaited<ReturnType<typeof updateIn>>) =>
  updated.map((result) => (result.status === "fulfilled" ? result.value : 0));
const revisionsIn = (bucket: KV) =>
  Promise.all(keys.map(async (key) => (await bucket.get(key))?.revision ?? 0));

test("what is updated at the same moment is stored together, and each has a revision of its own; of those that are refused only the one is that was written since", {
  skip: !hasBatches(),
}, async (t) => {
  const { connection } = await connectedNats(t);
  const log = { info: () => {}, warn: () => {} };
  const bucket = await openLeases(linkTo(connection), 1, 60_000, log);
  const { streams } = await jetstreamManager(connection);
  const batchOf = async (key: string) => {
    const found = await streams.getMessage(bucketStream("leases"), {
      last_by_subj: keySubject("leases", key),
    });
    return found?.header.get("Nats-Batch-Id") ?? "";
  };
  const made = await makeIn(bucket);
  const assertHas = async (key: string, revision: unknown) =>
    assert.equal((await bucket.get(key))?.revision, revision, key);

  const together = await updateIn(bucket, made);
  assert.equal(new Set(await Promise.all(keys.map(batchOf))).size, 1);
  assert.notEqual(await batchOf("p7"), "");
  const revisions = revisionsOf(together);
  for (const [index, key] of keys.entries()) await assertHas(key, revisions[index]);

  const taken = await bucket.put("p7", "w2");
  const refused = await updateIn(bucket, revisions);
  for (const [index, result] of refused.entries()) {
    if (index === 7) assert.ok(result.status === "rejected" && isConflict(result.reason));
    else await assertHas(keys[index] ?? "", result.status === "fulfilled" && result.value);
  }
  await assertHas("p7", taken);
  assert.equal(await batchOf("p8"), "", "one by one");

  await streams.delete(bucketStream("leases"));
  const unanswered = await Promise.allSettled(keys.map((key) => bucket.update(key, "w1", 1, 1_000)));
  for (const result of unanswered)
    assert.ok(result.status === "rejected" && result.reason instanceof TimeoutError);
});

test("where the bucket takes no batches any more, each update is sent by itself", {
  skip: !hasBatches(),
}, async (t) => {
  const { connection } = await connectedNats(t);
  const bucket = withUpdatesTogether(await openBucket(connection, "leases", 1), "leases", linkTo(connection));
  let revisions = await makeIn(bucket);
  for (let times = 0; times < 2; times++) {
    revisions = revisionsOf(await updateIn(bucket, revisions));
    assert.deepEqual(revisions, await revisionsIn(bucket));
  }
});

test("a NATS that knows no batches, and stores some of one, is believed nothing of it", {
  skip: hasBatches(),
}, async (t) => {
  const { connection } = await connectedNats(t);
  const bucket = withUpdatesTogether(await openBucket(connection, "leases", 1), "leases", linkTo(connection));
  const made = await makeIn(bucket);
  await bucket.put("p7", "w2");
  const results = await updateIn(bucket, made);
  assert.ok(results.every(({ status }) => status === "rejected"));
  const revisions = revisionsOf(await updateIn(bucket, await revisionsIn(bucket)));
  assert.deepEqual(revisions, await revisionsIn(bucket));
});
