import assert from "node:assert/strict";
import { test } from "node:test";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { withStreams } from "../../fixtures/bulk.ts";
import { startGatewayOnNats } from "../../fixtures/gateway-on-nats.ts";
import { until } from "../../fixtures/until.ts";

test("while the registry is made anew, no client is told that its processor is unknown", async () => {
  await using gateway = await startGatewayOnNats();
  const { send } = gateway;
  const { nats, registry } = gateway.backend;
  const before = registry.createdOfView;
  await withStreams(nats.connection.getServer(), (streams) => streams.delete("KV_kato-registry"));
  // A worker may be the one that makes it, and the gateway reads it before it has registered anybody.
  await openBucket(nats.connection, "registry", 1);
  await registry.refresh();
  const told = new Set<string>();
  await until("p1 is registered again", async () => {
    for (const path of ["/processors/p1", "/p1/ingestions/none"]) {
      const { status, json } = await send("GET", path);
      if (status !== 200 && json.title !== "Unknown ingestion") told.add(`${status} ${json.detail}`);
    }
    return registry.createdOfView !== before && registry.get("p1") !== undefined;
  });
  // If it goes fast enough, nobody has to be told.
  told.delete("503 The registry is being made anew.");
  assert.deepEqual([...told], []);
  assert.equal((await send("GET", "/processors/p2")).status, 404);
});
