import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { ensureLeases } from "../../../services/worker/assignment/lease-bucket.ts";
import { startNats } from "../../fixtures/nats-server.ts";

test("a lease is believed for no longer than its entry lives, whatever LEASE_MS the bucket was made with (A4)", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const connection = await connect({ servers: nats.url });
  t.after(() => connection.close());
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
