import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

/** Working memory larger than an answer of KATO can be, and so larger than one message of NATS. */
const events = 6;
const long = (letter: string) => letter.repeat(900_000);

let system: System;
const SIMULATOR_DATA = temporaryFolder({ after });
before(async () => {
  system = await startSystem({
    simulatorEnv: () => ({ SIMULATOR_DATA }),
    workerEnv: { LEASE_MS: "1000" },
  });
});
after(() => system?.stop());

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const observe = (body: object) => send("POST", "/p1/observe", body);

/** Gives the sequence of the last command. */
async function fill(): Promise<string> {
  let last = "";
  for (let index = 0; index < events; index++) {
    const { status, text, headers } = await observe({ strings: [long(String.fromCharCode(97 + index))] });
    assert.equal(status, 200, text.slice(0, 500));
    last = String(headers["kato-sequence"]);
  }
  return last;
}

test("a working memory that is too large to be read is learned once", async () => {
  await fill();
  const tooLarge = await send("GET", "/p1/working-memory");
  assert.deepEqual([tooLarge.status, tooLarge.json.type], [502, "urn:kato:problem:answer-too-large"]);
  const learned = await send("POST", "/p1/learn");
  assert.equal(learned.status, 200, learned.text.slice(0, 500));
  assert.match(String(learned.json.message), /^MODEL\|[0-9a-f]{40}$/);
  assert.deepEqual((await send("GET", "/p1/working-memory")).json.message, []);
});

test("with a working memory that is too large to be read, an observation of vectors is taken, and one that fails is refused", async () => {
  await fill();
  const vectors = await observe({ vectors: [[1, 2]] });
  assert.equal(vectors.status, 200, vectors.text.slice(0, 500));
  await system.succeed("POST", "/p1/learn");
  await fill();
  const refused = await observe({ vectors: [[1, 2, 3]] });
  assert.equal(refused.status, 422, refused.text.slice(0, 500));
  assert.equal((await observe({ strings: ["z"] })).status, 200);
});

test("it is restored after the instance and the worker were killed", async () => {
  await system.succeed("POST", "/p1/clear-working-memory");
  const last = await fill();
  await system.worker.kill();
  await system.simulator.kill();
  await system.simulator.restart();
  await system.worker.restart();
  await until("it is usable", async () => (await send("GET", "/p1/ping")).status === 200);
  const { json } = await send("GET", "/p1/status", undefined, { "kato-after": last });
  assert.equal((json.message as { size_WM: number }).size_WM, events);
  assert.equal((await send("GET", "/processors/p1")).json.degraded, undefined);
  const learned = await send("POST", "/p1/learn");
  assert.equal(learned.status, 200, learned.text.slice(0, 500));
});
