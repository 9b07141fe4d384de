import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { withStreams } from "../../fixtures/bulk.ts";
import type { Answer } from "../../fixtures/http-client.ts";
import { eventsOf, untilState } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import { startSimulatorProcess, startWorker } from "../../fixtures/services.ts";
import type { ServiceHere } from "../../fixtures/services-here.ts";
import { startSimulatorHere } from "../../fixtures/services-here.ts";
import type { System } from "../../fixtures/system.ts";
import { assembleSystem } from "../../fixtures/system.ts";
import { partsHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let system: System<ServiceHere, Service, Service>;
before(async () => {
  system = await assembleSystem(
    {
      processors: [{ id: "p1" }, { id: "p2" }],
      workerEnv: { LOG_HISTORY: "10", LOG_TRIM_MS: "200" },
    },
    { ...partsHere, startWorker, startSimulator: startSimulatorProcess },
  );
});
after(() => system?.stop());

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const observe = (id: string, text: string) => send("POST", `/${id}/observe`, { strings: [text] });
const observeAsync = (id: string, text: string) =>
  send("POST", `/${id}/observe`, { strings: [text] }, { prefer: "respond-async" });
const events = (id: string) => eventsOf(system.request, id);
const untilItIs = (state: string, id: string) => untilState(system.request, id, state);
const untilApplied = async ({ json }: Answer) =>
  assert.equal(
    (await send("GET", `/${json.id}/ping`, undefined, { "kato-after": String(json.sequence) })).status,
    200,
  );
interface Line {
  sequence: number;
  command: string;
  method: string;
  time: string;
  sender: string;
  outcome: string | null;
}
const logOf = async (id: string, query = "") =>
  (await send("GET", `/processors/${id}/log${query}`)).json as unknown as { commands: Line[]; next?: number };

test("a paused processor takes commands and applies none until it is resumed, even if its worker is killed", async () => {
  assert.equal((await observe("p1", "before")).status, 200);
  const { status, json } = await send("POST", "/processors/p1/pause");
  assert.deepEqual([status, json.paused], [200, true]);
  await untilItIs("paused", "p1");
  const queued = await observeAsync("p1", "queued");
  assert.equal(queued.status, 202);
  await system.worker.kill();
  await untilItIs("unowned", "p1");
  assert.equal((await send("GET", "/processors/p1")).json.paused, true, "whatever its state is");
  await system.worker.restart();
  await untilItIs("paused", "p1");
  await system.gateway.restart();
  await untilItIs("paused", "p1");
  const late = await send("POST", "/p1/observe", { strings: ["late"] }, { prefer: "wait=1" });
  assert.deepEqual([late.status, late.json.effect], [504, "none"]);
  assert.deepEqual(await events("p1"), ["before"], "queries are answered");
  assert.equal((await observe("p2", "meanwhile")).status, 200);
  assert.equal((await send("GET", String(queued.headers.location))).json.state, "queued");

  assert.deepEqual((await send("POST", "/processors/p1/resume")).json.paused, false);
  await untilApplied(queued);
  assert.equal((await observe("p1", "after")).status, 200);
  assert.deepEqual(await events("p1"), ["before", "queued", "after"]);
  for (const path of ["pause", "resume"]) {
    assert.equal((await send("POST", `/processors/nobody/${path}`)).status, 404);
  }
});

test("the log tells each command with its method, sender, time and outcome", async () => {
  await send("DELETE", "/p2/model/nosuch");
  await system.succeed("POST", "/processors/p2/pause");
  await untilItIs("paused", "p2");
  const queued = await observeAsync("p2", "waits");
  const { commands } = await logOf("p2");
  const last = commands.slice(-2);
  assert.deepEqual(
    last.map(({ method, outcome }) => [method, outcome]),
    [
      ["DeleteModel", "failed"],
      ["Observe", "queued"],
    ],
  );
  assert.equal(last[1]?.command, queued.json.command);
  assert.match(last[1]?.sender ?? "", /127\.0\.0\.1$/);
  assert.ok(Math.abs(Date.parse(last[1]?.time ?? "") - Date.now()) < 60_000);
  await system.succeed("POST", "/processors/p2/resume");
  await untilApplied(queued);
  await until("it is told", async () => (await logOf("p2")).commands.at(-1)?.outcome === "applied");

  const page = await logOf("p2", `?from=${last[0]?.sequence}&limit=1`);
  assert.deepEqual(
    page.commands.map(({ sequence }) => sequence),
    [last[0]?.sequence],
  );
  assert.equal(page.next, last[1]?.sequence);
  assert.deepEqual((await logOf("p2", `?from=${Number(last[1]?.sequence) + 1}`)).commands, []);
  assert.equal((await send("GET", "/processors/p2/log?from=x")).status, 422);
});

test("the log is trimmed to its history, and never below what a rebuild needs (A5)", async () => {
  await system.succeed("POST", "/p1/learn");
  for (let index = 0; index < 30; index++)
    await system.succeed("POST", "/p1/observe", { strings: [`e${index}`] });
  const sequences = (await logOf("p1")).commands.map(({ sequence }) => sequence);
  assert.ok(sequences.length >= 30, "the log still has what working memory comes from");
  await system.simulator.kill();
  await system.simulator.restart();
  await until("it is rebuilt", async () => (await send("GET", "/p1/ping")).status === 200);
  assert.equal((await events("p1")).length, 30);

  await system.succeed("POST", "/p1/learn");
  await until("it is trimmed", async () => (await logOf("p1")).commands.length === 10);
  const last = (await logOf("p1")).commands.at(-1);
  assert.equal(last?.method, "Learn");
});

test("a processor can be registered, changed and removed while everything runs", async () => {
  const instances = await Promise.all([1, 2].map(() => startSimulatorHere({ MANIFEST: '{"id":"p3"}' })));
  try {
    const [one, two] = instances.map(({ port }) => `127.0.0.1:${port}`);
    const created = await send("PUT", "/processors/p3", { name: "P3", grpc_endpoint: one });
    assert.equal(created.status, 201, created.text);
    assert.deepEqual([created.json.id, created.json.name, created.json.source], ["p3", "P3", "rest"]);
    await untilItIs("ready", "p3");
    assert.equal((await observe("p3", "a")).status, 200);

    const changed = await send("PUT", "/processors/p3", { grpc_endpoint: two });
    assert.deepEqual([changed.status, changed.json.name, changed.json.endpoint], [200, "P3", two]);
    await instances[0]?.stop();
    await until("it is on the other one", async () => (await observe("p3", "b")).status === 200);
    assert.deepEqual(await events("p3"), ["a", "b"]);

    await system.succeed("POST", "/processors/p3/pause");
    await untilItIs("paused", "p3");
    await observeAsync("p3", "queued");
    const refused = await send("DELETE", "/processors/p3");
    assert.deepEqual([refused.status, refused.json.effect], [409, "none"]);
    assert.equal((await send("DELETE", "/processors/p3?force=true")).status, 200);
    assert.equal((await send("GET", "/p3/ping")).status, 404);
    assert.equal((await send("DELETE", "/processors/p3")).status, 404);

    // What was accepted is not lost: it is applied when the processor is registered again.
    await system.succeed("PUT", "/processors/p3", { name: "P3", grpc_endpoint: two });
    await until("it is applied", async () => (await send("GET", "/p3/working-memory")).status === 200);
    await until("it is applied", async () => (await events("p3")).length === 3);
    await until("nothing is queued", async () => (await send("DELETE", "/processors/p3")).status === 200);
  } finally {
    for (const instance of instances) await instance.stop();
  }
});

test("an entry that cannot be registered is a 422 that names the field", async () => {
  for (const [id, body, field] of [
    ["connect", { grpc_endpoint: "h:1" }, "id"],
    ["health", { grpc_endpoint: "h:1" }, "id"],
    ["a.b", { grpc_endpoint: "h:1" }, "id"],
    ["x".repeat(65), { grpc_endpoint: "h:1" }, "id"],
    ["ok", { grpc_endpoint: "h" }, "grpc_endpoint"],
    ["ok", { grpc_endpoint: "h:0" }, "grpc_endpoint"],
    ["ok", { grpc_endpoint: "http://h:1" }, "grpc_endpoint"],
    ["ok", { grpc_endpoint: 1 }, "grpc_endpoint"],
    ["ok", { grpc_endpoint: "h:1", name: 1 }, "name"],
  ] as const) {
    const { status, json } = await send("PUT", `/processors/${id}`, body);
    assert.equal(status, 422, id);
    assert.equal((json.errors as { field: string }[])[0]?.field, field);
  }
  assert.equal((await send("GET", "/processors/ok")).status, 404);
});

test("a removed processor is listed as long as NATS has data of it, and DELETE with data=true removes that", async () => {
  const failed = await send("DELETE", "/p2/model/none", undefined, { prefer: "respond-async" });
  await untilApplied(failed);
  assert.equal((await send("DELETE", "/processors/p2?data=true&force=maybe")).status, 422);
  assert.equal((await send("DELETE", "/processors/nosuch?data=true")).status, 404);
  const unregistered = async () => (await send("GET", "/processors")).json.unregistered;
  // An earlier test has removed it. What NATS has is looked at every two seconds.
  await until("p3 is listed", async () => String(await unregistered()) === "p3");
  assert.equal((await send("DELETE", "/processors/p2")).status, 200);
  assert.deepEqual(await unregistered(), ["p2", "p3"]);
  assert.equal((await send("DELETE", "/processors/p2?data=true")).status, 200);
  assert.deepEqual(await unregistered(), ["p3"]);
  assert.equal((await send("DELETE", "/processors/p2?data=true")).status, 404);
  await withStreams(system.nats.url, async (streams) => {
    const all = { subjects_filter: ">" };
    for await (const { config } of streams.list()) {
      const { state } = await streams.info(config.name, all);
      const left = Object.keys(state.subjects ?? {}).filter((subject) => /\bp2\b/.test(subject));
      // What is left says that the processor was removed, and that its lease was given back.
      assert.deepEqual(
        left.filter((subject) => !/^\$KV\.kato-(registry|leases)\.p2$/.test(subject)),
        [],
        config.name,
      );
    }
  });
});

test("what a client asks next does not contradict what it was told", async () => {
  await untilItIs("ready", "p1");
  for (let times = 0; times < 10; times++) {
    const { json, headers } = await observe("p1", `told ${times}`);
    const view = (await send("GET", "/processors/p1")).json;
    assert.deepEqual(
      [view.state, view.depth, view.oldest_seconds, view.interval, view.applied],
      ["ready", 0, 0, json.interval, Number(headers["kato-sequence"])],
    );
  }
  assert.equal((await observe("p1", "the last")).status, 200);
  const removed = await send("DELETE", "/processors/p1");
  assert.equal(removed.status, 200, removed.text);
});
