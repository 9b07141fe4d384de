import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { bucketStream, openBucket } from "../../../libs/nats/buckets.ts";
import { ensureLeases } from "../../../services/worker/assignment/lease-bucket.ts";
import { connectedNats } from "../../fixtures/connected-nats.ts";

test("a lease is believed for no longer than its entry lives, whatever LEASE_MS the bucket was made with (A4)", async (t) => {
  const { connection } = await connectedNats(t);
  const said: object[] = [];
  const log = { info: () => {}, warn: (fields: object) => said.push(fields) };
  const livesMs = async (leaseMs: number) => {
    const { bucket } = await ensureLeases(connection, 1, leaseMs, log);
    return (await bucket.status()).ttl;
  };
  assert.equal(await livesMs(1_000), 1_000);
  assert.equal(await livesMs(300_000), 300_000);
  assert.deepEqual(said, []);
  assert.equal(await livesMs(3_000), 300_000, "others may count on it");
  assert.deepEqual(said, [{ leaseMs: 3_000, livesMs: 300_000 }]);
});

test("of workers that open the bucket at once the longest LEASE_MS counts (A4)", async (t) => {
  const { connection } = await connectedNats(t);
  const log = { info: () => {}, warn: () => {} };
  const { streams } = await jetstreamManager(connection);
  for (let round = 0; round < 2; round++) {
    await openBucket(connection, "leases", 1, 3_000);
    const opened = await Promise.all(
      [6_000, 3_000].map((leaseMs) => ensureLeases(connection, 1, leaseMs, log)),
    );
    assert.equal((await opened[0]?.bucket.status())?.ttl, 6_000);
    await streams.delete(bucketStream("leases"));
  }
});
