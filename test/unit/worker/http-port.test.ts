import assert from "node:assert/strict";
import { test } from "node:test";
import { serveWorker } from "../../../services/worker/http-port.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { idleState } from "../../fixtures/idle-state.ts";

type Facts = ReturnType<Parameters<typeof serveWorker>[0]["facts"]>;

const worker: Facts["worker"] = {
  states: [idleState],
  metrics: { contentType: "text/plain", scrape: async () => "kato_queue_depth 0\n" },
};

test("a worker is healthy once it has started, and only while it has NATS", async (t) => {
  let facts: Facts = { connected: false, worker: undefined };
  const served = await serveWorker({ host: "127.0.0.1", port: 0, facts: () => facts });
  t.after(() => served.close());
  const send = sendTo(`http://127.0.0.1:${served.address.port}`);
  const health = async (connected: boolean, isStarted: boolean) => {
    facts = { connected, worker: isStarted ? worker : undefined };
    const { status, json } = await send("GET", "/health");
    return [status, json.status, json.processors];
  };
  assert.deepEqual(await health(false, false), [503, "no NATS", []]);
  assert.deepEqual(await health(true, false), [503, "starting", []]);
  assert.equal((await send("GET", "/metrics")).status, 503);
  assert.deepEqual(await health(true, true), [200, "healthy", [idleState]]);
  assert.equal((await send("GET", "/metrics")).text, "kato_queue_depth 0\n");
  assert.deepEqual(await health(false, true), [503, "no NATS", [idleState]]);
  assert.equal((await send("GET", "/other")).status, 404);
});
