import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, TimeoutError } from "@nats-io/transport-node";
import { bucketStream, openBucket } from "../../../libs/nats/buckets.ts";
import { withCheapUpdates } from "../../../libs/nats/cheap-updates.ts";
import { isConflict } from "../../../libs/nats/errors.ts";
import { withStreams } from "../../fixtures/bulk.ts";
import { startNats } from "../../fixtures/nats-server.ts";

test("a cheap update is a compare-and-set, and fails as that of nats.js does", async (t) => {
  await using nats = await startNats();
  const connection = await connect({ servers: nats.url });
  t.after(() => connection.close());
  const link = { connection, inboxPrefix: "_INBOX" };
  const bucket = withCheapUpdates(await openBucket(connection, "leases", 1), "leases", link);
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
