import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { openRequest } from "../../fixtures/http-client.ts";
import type { Service } from "../../fixtures/services.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

const secret = "s3cr3t";
const traceId = "0af7651916cd43dd8448eb211c80319c";

let system: System;
before(async () => {
  system = await startSystem({
    gatewayEnv: { LOG_LEVEL: "info" },
    workerEnv: { LOG_LEVEL: "info" },
    simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "50" }),
  });
});
after(() => system?.stop());

type Line = Record<string, unknown>;

function linesOf(service: Service): Line[] {
  const lines = service.output().split("\n");
  return lines.filter((line) => line.startsWith("{")).map((line): Line => JSON.parse(line));
}

/** The line of the latest request of this path. */
async function requestLine(path: string): Promise<Line> {
  return until(`${path} has its line`, () =>
    linesOf(system.gateway).findLast((found) => found.msg === "request" && found.path === path),
  );
}

test("an idle gateway writes nothing: probes and scrapes that succeed have no line", async () => {
  const before = linesOf(system.gateway).length;
  for (const path of ["/health", "/ready?x=1", "/metrics", "/kato-api/ping"]) {
    assert.equal((await system.request("GET", path)).status, 200, path);
  }
  await system.succeed("GET", "/processors");
  await requestLine("/processors");
  const paths = linesOf(system.gateway)
    .slice(before)
    .map(({ path }) => path);
  assert.deepEqual(paths, ["/processors"]);
});

test("each request has one line, with its processor, its command, its outcome and how long it took", async () => {
  const { headers } = await system.request(
    "POST",
    "/p1/observe",
    { strings: ["a"] },
    { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  );
  const { ms, time, request, pid: _, ...rest } = await requestLine("/p1/observe");
  assert.deepEqual(rest, {
    level: 30,
    service: "gateway",
    reqId: request,
    trace: traceId,
    method: "POST",
    path: "/p1/observe",
    status: 200,
    outcome: "okay",
    processor: "p1",
    command: headers["kato-command"],
    sequence: headers["kato-sequence"],
    msg: "request",
  });
  assert.ok(Number(ms) >= 50 && Number(ms) < 30_000);
  assert.ok(Date.parse(String(time)) > 0);
  assert.equal(linesOf(system.gateway).filter((line) => line.request === request).length, 1);
});

test("a refused request has its line too", async () => {
  const { json } = await system.request("POST", "/nobody/observe", {});
  const { outcome, status, request, processor, command } = await requestLine("/nobody/observe");
  assert.deepEqual(
    { outcome, status, request, processor, command },
    {
      outcome: "PROCESSOR_NOT_FOUND",
      status: 404,
      request: json.request_id,
      processor: undefined,
      command: undefined,
    },
  );
});

test("a request whose client did not wait for the answer has its line, which says so", async () => {
  const path = "/p1/observe-sequence";
  const observations = Array.from({ length: 10 }, () => ({ strings: ["long"] }));
  const { request } = openRequest(system.gateway.url, "POST", path);
  request.end(JSON.stringify({ observations }));
  // The processor's state would not tell: it may still be that of the command before.
  await until("it is in the log", async () => {
    const { commands } = (await system.request("GET", "/processors/p1/log")).json;
    return (commands as { method: string }[]).at(-1)?.method === "Sequence";
  });
  request.destroy();
  const { processor, command, client_gone } = await requestLine(path);
  assert.deepEqual([processor, client_gone], ["p1", true]);
  assert.ok(command);
});

test("a request whose client went away during the answer has its line, which says so", async () => {
  const { json } = await system.request("POST", "/p1/observations", { observations: Array(40).fill({}) });
  const path = `/p1/ingestions/${json.ingestion}/events`;
  const { request, head } = openRequest(system.gateway.url, "GET", path);
  request.end();
  await once(await head, "data");
  request.destroy();
  const { status, client_gone } = await requestLine(path);
  assert.deepEqual([status, client_gone], [200, true]);
});

test("no line has what is observed, keys, credentials or the query", async () => {
  const headers = { authorization: `Bearer ${secret}`, cookie: secret, "x-api-key": secret };
  await system.request("POST", "/p1/observe", { strings: [secret] }, headers);
  await system.request("POST", `/p1/observe?token=${secret}`, { strings: [secret] }, headers);
  await system.request("GET", `/p1/predictions?unique_id=${secret}`);
  await system.request(
    "POST",
    "/p1/observe",
    { strings: [secret] },
    { "idempotency-key": secret, ...headers },
  );
  await system.request("POST", "/p1/observe", { strings: [secret, 1] }, headers);
  await system.request("POST", "/p1/observe", `{"strings": ["${secret}"`, headers);
  await system.request("POST", "/p1/observations", { observations: [{ strings: [secret] }] }, headers);
  await system.request("POST", "/p1/learn", {}, headers);
  // An auto-learn that fails: KATO learns no emotives of a model that it has learned without.
  await system.request("POST", "/p1/genes/change", { max_sequence_length: 2 });
  for (const emotives of [{}, {}, { joy: 1 }]) {
    await system.request("POST", "/p1/observe", { strings: [secret], emotives }, headers);
  }
  await system.request("POST", "/p1/genes/change", { max_sequence_length: 0 });
  await until("the worker tells of it", () => system.worker.output().includes("its events are lost"));
  assert.ok(!system.gateway.output().includes(secret));
  assert.ok(!system.worker.output().includes(secret));
});

test("the worker logs a command that failed, and none that succeeded", async () => {
  const fail = async () => {
    const { headers } = await system.request("DELETE", "/p1/model/nosuch");
    const line = await until("it has its line", () =>
      linesOf(system.worker).find((found) => found.command === headers["kato-command"]),
    );
    return { headers, line };
  };
  const failed = await fail();
  const { level, processor, sequence, method, outcome } = failed.line;
  assert.deepEqual(
    { level, processor, sequence, method, outcome },
    {
      level: 40,
      processor: "p1",
      sequence: Number(failed.headers["kato-sequence"]),
      method: "DeleteModel",
      outcome: "failed",
    },
  );
  const before = linesOf(system.worker).length;
  assert.equal((await system.request("POST", "/p1/observe", { strings: ["a"] })).status, 200);
  await system.succeed("POST", "/p1/learn");
  await fail();
  assert.equal(linesOf(system.worker).length, before + 1, "there is one more line, that of the failure");
});
