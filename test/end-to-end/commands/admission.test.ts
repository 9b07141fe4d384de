import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { linesOfTexts, ndjson, texts, untilDone } from "../../fixtures/bulk.ts";
import type { Answer } from "../../fixtures/http-client.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { eventsOf, untilState, viewOf } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const maxDepth = 200;

let system: SystemHere;
before(async () => {
  system = await startSystemHere({
    processors: [{ id: "slow" }, { id: "idle" }, { id: "deep" }],
    simulatorEnv: (id) => (id === "slow" ? { SIMULATOR_DELAY_MS: "50" } : {}),
    gatewayEnv: { QUEUE_MAX_DEPTH: String(maxDepth) },
    gateways: 2,
  });
});
after(() => system?.stop());

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const observe = (id: string, text: string, headers?: Record<string, string>) =>
  send("POST", `/${id}/observe`, { strings: [text] }, headers);
const bulk = (id: string, all: string[], headers: Record<string, string> = {}) =>
  send("POST", `/${id}/observations`, linesOfTexts(all), { ...ndjson, ...headers });
const view = (id: string) => viewOf(system.request, id);
const events = (id: string) => eventsOf(system.request, id);
const pause = async (id: string) => {
  await system.succeed("POST", `/processors/${id}/pause`);
  await untilState(system.request, id, "paused");
};
const untilWorkedOff = (id: string) =>
  until(`nothing waits for ${id}`, async () => {
    const { state, depth, oldest_seconds } = await view(id);
    return state === "ready" && depth === 0 && oldest_seconds === 0;
  });
const async = { prefer: "respond-async" };

/** Asserts that it was refused without effect, and says when to come back. */
function assertRefused({ status, headers, json, text }: Answer, type: string, limit?: string): void {
  assert.equal(status, limit === undefined ? 503 : 429, text);
  assert.equal(json.type, `urn:kato:problem:${type}`);
  assert.deepEqual([json.effect, json.retryable], ["none", true]);
  assert.equal(headers["kato-sequence"], undefined);
  const seconds = Number(headers["retry-after"]);
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, headers["retry-after"]);
  assert.equal(headers.ratelimit, limit && `"${limit}";r=0;t=${seconds}`);
}

test("a command that would be applied too late for its client is a 429, and a client that waits longer is served", async () => {
  const queued = await bulk("slow", texts(100));
  const key = { "idempotency-key": "impatient" };
  const refused = await until("it is known how slow it is", async () => {
    const answer = await observe("slow", "impatient", { prefer: "wait=1", ...key });
    if (answer.status === 429) return answer;
    // Until that is known it is queued, and its client is told that its time is over.
    assert.deepEqual([answer.status, answer.json.effect], [504, "none"]);
    return undefined;
  });
  assertRefused(refused, "queue-too-long", "wait");

  const { last } = await view("slow");
  assertRefused(await observe("slow", "refused", { prefer: "wait=1" }), "queue-too-long", "wait");
  const sequence = { observations: [{ strings: ["refused"] }], learn_at_end: true };
  const wait = { prefer: "wait=1" };
  assertRefused(await send("POST", "/slow/observe-sequence", sequence, wait), "queue-too-long", "wait");
  assert.equal((await view("slow")).last, last, "something of it was stored");
  assert.equal((await send("GET", "/slow/working-memory")).status, 200, "queries go between");
  assert.equal((await observe("idle", "meanwhile", { prefer: "wait=1" })).status, 200);

  const accepted = await observe("slow", "asynchronous", async);
  assert.equal(accepted.status, 202);
  const again = await observe("slow", "impatient", { prefer: "wait=60", ...key });
  assert.deepEqual([again.status, again.headers["idempotency-replayed"]], [200, undefined]);
  await untilDone(system.request, String(queued.headers.location));
  assert.deepEqual(await events("slow"), [...texts(100), "asynchronous", "impatient"]);
});

test("once a slow processor has worked off its queue, no command is refused", async () => {
  await untilWorkedOff("slow");
  const all = Array.from({ length: 12 }, (_, index) => observe("slow", `${index}`, { prefer: "wait=0" }));
  for (const { status, text } of await Promise.all(all)) assert.ok(status === 200 || status === 504, text);
  await untilWorkedOff("slow");
});

test("a client that does not wait is told how much room there is, and is refused when there is none", async () => {
  await pause("deep");
  const first = await observe("deep", "e0", async);
  await until("it is in hand", async () => (await view("deep")).depth === 1);
  const second = await observe("deep", "e1", async);
  assert.equal(second.headers["ratelimit-policy"], `"depth";q=${maxDepth}`);
  assert.equal(second.headers.ratelimit, `"depth";r=${maxDepth - 2}`);

  const all = texts(1_000);
  const key = { "idempotency-key": "more than fits" };
  const some = await bulk("deep", all, key);
  assert.deepEqual([some.status, some.json.effect, some.json.retryable], [429, "applied", true]);
  assert.equal(some.json.type, "urn:kato:problem:queue-full");
  assert.match(some.headers["retry-after"] ?? "", /^[1-9]\d*$/);
  assert.deepEqual([some.json.accepted, some.json.last_sequence], [maxDepth - 2, maxDepth]);
  assert.deepEqual((await view("deep")).last, maxDepth);

  for (const refused of [
    await observe("deep", "refused", async),
    await observe("deep", "refused"),
    await bulk("deep", ["refused"]),
    await send("POST", "/deep/observations", { observations: [{ strings: ["refused"] }] }),
    await send("POST", "/deep/observe-sequence", { observations: [{ strings: ["refused"] }] }, async),
  ]) {
    assertRefused(refused, "queue-full", "depth");
    assert.equal(refused.headers["ratelimit-policy"], `"depth";q=${maxDepth}`);
  }
  const receipts = await bulk("deep", all, { ...key, accept: "application/x-ndjson" });
  const lines = receipts.text.trim().split("\n");
  assert.equal(lines.length, maxDepth - 2 + 1, "a line for what is stored, and one for why there is no more");
  assert.deepEqual(JSON.parse(lines.at(-1) ?? "").retryable, true);

  await system.succeed("POST", "/processors/deep/resume");
  await untilWorkedOff("deep");
  assert.equal((await send("GET", String(first.headers.location))).json.state, "applied");
  await until("the rest is taken", async () => {
    const { status, json } = await bulk("deep", all, key);
    return status === 202 && json.accepted === all.length;
  });
  await untilWorkedOff("deep");
  assert.deepEqual(await events("deep"), ["e0", "e1", ...all]);
});

test("a paused processor takes synchronous commands while few wait, then answers 503 at once", async () => {
  await pause("deep");
  const waiting = observe("deep", "patient", { prefer: "wait=60" });
  await until("it is in hand", async () => (await view("deep")).depth === 1);
  assert.equal((await bulk("deep", texts(50))).status, 202);
  assertRefused(await observe("deep", "refused", { prefer: "wait=300" }), "queue-paused");
  assert.equal((await observe("deep", "asynchronous", async)).status, 202);
  await system.succeed("POST", "/processors/deep/resume");
  assert.equal((await waiting).status, 200);
  await untilWorkedOff("deep");
});

test("each gateway knows how much waits and for how long, whichever gateway has stored it", async () => {
  await pause("deep");
  const { last } = await view("deep");
  assert.equal((await bulk("deep", texts(150))).status, 202);
  const [, second] = system.gateways;
  assert.ok(second);
  const other = sendTo(second.url);
  await until("the other one knows", async () => {
    const { depth, last: known } = (await other("GET", "/processors/deep")).json;
    return depth === 150 && known === last + 150;
  });
  await until("the oldest is older than a second", async () => {
    return Number((await other("GET", "/processors/deep")).json.oldest_seconds) > 1;
  });
  await second.restart({ QUEUE_MAX_AGE_MS: "1000" });
  await until("it refuses", async () => {
    const refused = await other("POST", "/deep/observe", { strings: ["refused"] }, async);
    if (refused.status === 429) assertRefused(refused, "queue-full", "age");
    return refused.status === 429;
  });
  await system.succeed("POST", "/processors/deep/resume");
  await untilWorkedOff("deep");
  assert.equal((await other("POST", "/deep/observe", { strings: ["taken"] }, async)).status, 202);
});
