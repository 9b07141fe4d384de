import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { eventsOf, untilIdle } from "../../fixtures/processors.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
before(async () => {
  system = await startSystem({ simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "100" }) });
});
after(() => system?.stop());

const observe = (text: string) => system.request("POST", "/p1/observe", { strings: [text] });
const events = () => eventsOf(system.request);
const untilUsable = () =>
  until("it works", async () => {
    const ready = await system.request("GET", "/ready");
    const query = await system.request("GET", "/p1/ping", undefined, { prefer: "wait=1" });
    return ready.status === 200 && query.status === 200;
  });
/** The sequence up to which commands are applied, as the stored checkpoint has it. */
async function storedApplied(): Promise<number> {
  const connection = await connect({ servers: system.nats.url });
  try {
    const checkpoints = await openBucket(connection, "checkpoints", 1);
    return (await checkpoints.get("p1"))?.json<{ applied: number }>().applied ?? 0;
  } finally {
    await connection.close();
  }
}
let sequence = 0;

test("without NATS every request for a processor is a 503 at once, with Retry-After", async () => {
  sequence = Number((await observe("before")).headers["kato-sequence"]);
  await system.nats.kill();
  await until("it shows", async () => (await system.request("GET", "/ready")).status === 503);
  for (const [method, path] of [
    ["POST", "/p1/observe"],
    ["POST", "/p1/learn"],
    ["GET", "/p1/predictions"],
    ["GET", "/p1/gene/persistence"],
    ["GET", "/p1/commands/any"],
    ["GET", "/p1/ingestions/any"],
    ["GET", "/p1/ingestions/any/events"],
    ["POST", "/p1/observe-sequence"],
    ["GET", "/processors/p1/log"],
    ["GET", "/processors/p1/log/events"],
    ["GET", "/processors/p1/dead-letters"],
    ["POST", "/processors/p1/pause"],
    ["POST", "/processors/p1/rebuild"],
  ] as const) {
    const body = path.endsWith("sequence") ? { observations: [{}] } : {};
    const { status, headers, json } = await system.request(
      method,
      path,
      method === "POST" ? body : undefined,
      { prefer: "wait=60" },
    );
    assert.equal(status, 503, path);
    assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/, path);
    assert.equal(json.effect, "none");
    assert.equal(json.retryable, true);
    assert.ok(!JSON.stringify(json).includes(String(system.nats.port)), "where NATS is was told");
  }
});

test("without NATS the gateway is alive, and the worker says that it is not well", async () => {
  assert.equal((await system.request("GET", "/kato-api/ping")).status, 200);
  const { status, json } = await system.request("GET", "/health");
  assert.deepEqual([status, json.status], [200, "healthy"]);
  assert.equal((await system.request("GET", "/connect")).status, 200);
  assert.equal((await system.request("GET", "/processors")).status, 200);
  assert.equal((await sendTo(system.worker.url)("GET", "/health")).status, 503);
});

test("when NATS is back everything works, nothing else had to be restarted, and the log goes on", async () => {
  await system.nats.restart();
  await untilUsable();
  const answer = await observe("after");
  assert.equal(answer.status, 200, answer.text);
  assert.equal(Number(answer.headers["kato-sequence"]), sequence + 1);
  assert.deepEqual(await events(), ["before", "after"]);
});

test("commands under way while NATS restarts are applied once and in order, or their clients are told otherwise", async () => {
  await system.succeed("POST", "/p1/clear-all-memory");
  const texts = Array.from({ length: 10 }, (_, index) => String(index));
  const answers = texts.map(async (text) => {
    const body = { strings: [text] };
    const { status, headers, json } = await system.request("POST", "/p1/observe", body, { prefer: "wait=5" });
    return { text, status, effect: json.effect, sequence: Number(headers["kato-sequence"]) };
  });
  await until(
    "some are applied",
    async () => Number((await system.request("GET", "/p1/time")).json.message) > 2,
  );
  await system.nats.kill();
  await system.nats.restart();
  const told = await Promise.all(answers);
  await untilUsable();
  await untilIdle(system.request);
  const applied = await events();
  assert.equal(new Set(applied).size, applied.length, `something was applied twice: ${applied}`);
  for (const { text, status, effect } of told) {
    if (status === 200) assert.ok(applied.includes(text), `${text} was answered and is not there`);
    else if (effect === "none") assert.ok(!applied.includes(text), `${text} was refused and is there`);
    else assert.deepEqual([status, effect], [504, "unknown"], text);
  }
  const inOrder = told.filter(({ status }) => status === 200).sort((a, b) => a.sequence - b.sequence);
  assert.deepEqual(
    applied.filter((text) => inOrder.some((answer) => answer.text === text)),
    inOrder.map(({ text }) => text),
  );
});

test("while NATS does not answer it is waited for, and what was applied is not applied again", async () => {
  // The worker is held within the 100 ms after which it writes its checkpoint: so the write falls into the
  // silence.
  const texts: string[] = [];
  await until("the checkpoint is behind", async () => {
    const text = `once ${texts.length}`;
    texts.push(text);
    const { status, headers } = await observe(text);
    await system.worker.kill("SIGSTOP");
    assert.equal(status, 200);
    if ((await storedApplied()) < Number(headers["kato-sequence"])) return true;
    await system.worker.kill("SIGCONT");
    return false;
  });
  const failures = () => system.worker.output().split("cannot write the checkpoint").length;
  const failedBefore = failures();
  await system.nats.kill("SIGSTOP");
  await system.worker.kill("SIGCONT");
  await until("the worker has given the write up", async () => failures() > failedBefore);
  await system.nats.kill("SIGCONT");
  await untilUsable();
  assert.equal((await observe("twice")).status, 200);
  const before = await events();
  assert.deepEqual(before.slice(-texts.length - 1), [...texts, "twice"]);
  assert.equal(new Set(before).size, before.length, `something was applied twice: ${before}`);
  await system.worker.stop();
  await system.worker.restart();
  await untilUsable();
  assert.equal((await observe("thrice")).status, 200);
  assert.deepEqual(await events(), [...before, "thrice"]);
});
