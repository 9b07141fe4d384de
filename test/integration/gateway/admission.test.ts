import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { GatewayOnNats } from "../../fixtures/gateway-on-nats.ts";
import { startGatewayOnNats } from "../../fixtures/gateway-on-nats.ts";

const maxDepth = 40;
let gateway: GatewayOnNats;
before(async () => {
  gateway = await startGatewayOnNats({ QUEUE_MAX_DEPTH: String(maxDepth) });
});
after(() => gateway?.[Symbol.asyncDispose]());

/** Reports so many commands that wait, behind whatever the log has. */
async function reportDepth(depth: number, drainRate = 0): Promise<void> {
  const last = await gateway.backend.logs.last("p1");
  await gateway.worker.report({ state: "applying", last: last + depth, applied: last, drainRate });
}

async function statusOf(prefer: string): Promise<number> {
  const { status } = await gateway.send("POST", "/p1/observe", { strings: ["a"] }, { prefer });
  return status;
}

test("a command is refused only where the queue certainly takes longer than its client waits", async () => {
  await reportDepth(10, 0.1);
  assert.equal(await statusOf("wait=1"), 200, "a few commands say too little about how long they take");
  await reportDepth(20, 0);
  assert.equal(await statusOf("wait=1"), 200, "it is not known how long they take");
  await reportDepth(20, 12);
  assert.equal(await statusOf("wait=1"), 200, "they may be quicker than it seems");
  await reportDepth(20, 5);
  assert.equal(await statusOf("wait=1"), 429);
});

test("a full queue takes no more commands, waited for or not, and not from an ingestion", async () => {
  await reportDepth(maxDepth);
  assert.equal(await statusOf("wait=1"), 429);
  assert.equal(await statusOf("respond-async"), 429);

  // What it stores next has to be behind what the report says of the log.
  const last = await gateway.backend.logs.last("p1");
  await gateway.worker.report({ state: "applying", last, applied: last - (maxDepth - 3) });
  const observations = Array.from({ length: 20 }, () => ({ strings: ["a"] }));
  const { status, json } = await gateway.send("POST", "/p1/observations", { observations });
  assert.deepEqual([status, json.accepted], [429, 3], JSON.stringify(json));
});

test("what this gateway has stored counts before a worker reports it", async () => {
  await gateway.worker.report({ last: 1, applied: await gateway.backend.logs.last("p1") });
  for (let stored = 0; stored < maxDepth; stored++) assert.equal(await statusOf("respond-async"), 202);
  assert.equal(await statusOf("respond-async"), 429);
});

test("a command that KATO or NATS would not take is refused before it is sent", async () => {
  await reportDepth(0);
  const { status } = await gateway.send("POST", "/p1/observe", { strings: ["a".repeat(5 * 1024 * 1024)] });
  assert.equal(status, 413);
});
