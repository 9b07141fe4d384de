import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { streamOf } from "../../../libs/commands/messages/subjects.ts";
import { startGatewayOnNats } from "../../fixtures/gateway-on-nats.ts";
import { until } from "../../fixtures/until.ts";

test("what NATS has acknowledged and lost before any worker saw it is told to who asks for it", async () => {
  await using gateway = await startGatewayOnNats();
  const { backend, send, worker } = gateway;
  await worker.report({ state: "ready", applied: 0, last: 0 });
  await until("it is reported", () => backend.states.get("p1"));
  const observe = await send("POST", "/p1/observe", { strings: ["a"] }, { prefer: "respond-async" });
  assert.equal(observe.status, 202);
  const bulk = await send("POST", "/p1/observations", {
    observations: [{ strings: ["b"] }, { strings: ["c"] }],
  });
  assert.equal(bulk.status, 202);
  const { ingestion } = bulk.json as { ingestion: string };
  const { command } = observe.json as { command: string };
  const states = async () => {
    const record = await send("GET", `/p1/commands/${command}`);
    const { json } = await send("GET", `/p1/ingestions/${ingestion}`);
    const { state, accepted, queued, lost } = json as Record<string, unknown>;
    return { command: (record.json as { state: string }).state, state, accepted, queued, lost };
  };
  const waiting = { command: "queued", state: "queued", accepted: 2, queued: 2, lost: 0 };
  assert.deepEqual(await states(), waiting);
  const manager = await jetstreamManager(backend.nats.connection);
  await manager.streams.delete(streamOf("p1"));
  await backend.logs.ensure("p1");
  assert.deepEqual(await states(), { command: "unknown", state: "done", accepted: 2, queued: 0, lost: 2 });
});
