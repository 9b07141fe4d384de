import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import type { OpenAPIV3_1 } from "openapi-types";
import { ApiDocument } from "../../fixtures/api-document.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { Random } from "../../unit/worker/crash-schedules/random.ts";
import { checkAnswer, checkRawAnswer } from "./check-answer.ts";
import { startProbing } from "./probing.ts";
import { RandomRequests, rawRequest } from "./random-requests.ts";

/** `FUZZ_REQUESTS=100000` is the long form (CONTRIBUTING.md). */
const count = Number(process.env.FUZZ_REQUESTS ?? 1_500);
const isLong = count > 10_000;
const seed = Number(process.env.FUZZ_SEED ?? 12);
const clients = 8;
/** One request in so many is sent as bytes that are broken. */
const rawEvery = 5;
const rawLimitMs = 5_000;

let system: System;
let api: ApiDocument;
before(async () => {
  system = await startSystem({ gatewayEnv: { LOG_LEVEL: "error" }, workerEnv: { LOG_LEVEL: "silent" } });
  const { json } = await system.request("GET", "/openapi.json");
  api = new ApiDocument(json as unknown as OpenAPIV3_1.Document);
});
after(() => system?.stop());

/** What comes back for these bytes until the gateway closes the connection. */
function exchange(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect(system.gateway.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.setTimeout(rawLimitMs, () => socket.destroy());
    socket.on("data", (chunk) => chunks.push(chunk)).on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(chunks)));
    socket.end(bytes);
  });
}

/** The resident memory of the gateway in MiB. */
function memory(): number {
  const status = readFileSync(`/proc/${system.gateway.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
}

test("whatever is sent, the answer is as documented and no fault of the gateway", {
  timeout: isLong ? 3_600_000 : 120_000,
}, async (t) => {
  const random = new Random(seed);
  const requests = new RandomRequests(api, random);
  const statuses: Record<string, number> = {};
  const probing = startProbing(system.gateway.url);
  let sent = 0;
  let warmMiB = 0;
  const client = async () => {
    while (sent < count) {
      const number = ++sent;
      if (number === Math.floor(count / 4)) warmMiB = memory();
      const request = requests.next();
      if (number % rawEvery === 0) {
        const bytes = rawRequest(request, random);
        checkRawAnswer(bytes, await exchange(bytes));
        continue;
      }
      const { method, path, body, headers } = request;
      const answer = await system.request(method, path, body, headers);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      checkAnswer(api, request, answer);
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, client));
  } catch (error) {
    const reached = sent;
    sent = count;
    await probing.stop();
    throw new Error(`FUZZ_SEED=${seed}, about request ${reached}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const tookMs = (await probing.stop()).toSorted((a, b) => a - b);
  const grownMiB = memory() - warmMiB;
  const slowest = tookMs.at(-1) ?? 0;
  t.diagnostic(JSON.stringify({ statuses, grownMiB, slowest, probes: tookMs.length }));
  assert.ok(Number(statuses[200]) > count / 50, JSON.stringify(statuses));
  assert.doesNotMatch(system.gateway.output(), /"level":[56]0/);
  if (!isLong) return;
  assert.ok(slowest < 100, `a probe took ${slowest} ms`);
  assert.ok(grownMiB < 50, `the gateway has grown by ${grownMiB} MiB`);
});

test("afterwards the processor works as before", async () => {
  const post = (path: string, body?: unknown) => system.request("POST", `/p1${path}`, body);
  assert.equal((await post("/clear-all-memory")).status, 200);
  for (const strings of [["a"], ["b"]]) assert.equal((await post("/observe", { strings })).status, 200);
  assert.deepEqual((await system.request("GET", "/p1/working-memory")).json.message, [["a"], ["b"]]);
});
