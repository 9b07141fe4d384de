import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { KatoChannel } from "../../../libs/kato/channel.ts";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
const data = mkdtempSync(join(tmpdir(), "rebuild-by-hand-"));
before(async () => {
  system = await startSystem({
    processors: [{ id: "p1" }, { id: "p2" }],
    simulatorEnv: (processor) =>
      processor === "p2" ? { SIMULATOR_DELAY_MS: "100", SIMULATOR_DATA: data } : {},
    workerEnv: { LOG_HISTORY: "1000", LOG_TRIM_MS: "200", LEASE_MS: "1000" },
  });
});
after(async () => {
  await system?.stop();
  rmSync(data, { recursive: true });
});

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const observe = (id: string, ...strings: string[]) => send("POST", `/${id}/observe`, { strings });
const rebuild = (id: string, query = "", body?: unknown) =>
  send("POST", `/processors/${id}/rebuild${query}`, body);
/** On a busy machine an instance that is there may seem down for a moment. */
const insistOnReplay = (id: string) =>
  until("it can be replayed", async () => {
    const answer = await rebuild(id, "", { from: 1 });
    return answer.status !== 503 && answer;
  });
const entryOf = async (id: string) => (await send("GET", `/processors/${id}`)).json;
const untilReplayed = (id: string) =>
  until("it is replayed", async () => {
    const { state, depth } = await entryOf(id);
    return state === "ready" && depth === 0;
  });

/** What a processor knows, as its users see it. */
async function knowledgeOf(id: string, models: string[]) {
  const known = models.map(async (name) => {
    const { status, json } = await send("GET", `/${id}/model/${encodeURIComponent(name)}`);
    return { status, model: json.message };
  });
  const genes = ["recall_threshold", "max_sequence_length", "persistence"].map(
    async (gene) => (await send("GET", `/${id}/gene/${gene}`)).json.message,
  );
  return {
    models: await Promise.all(known),
    genes: await Promise.all(genes),
    workingMemory: (await send("GET", `/${id}/working-memory`)).json.message,
    predictions: (await send("GET", `/${id}/predictions`)).json.message,
  };
}

/** A history with models, one learned twice, one by itself, one deleted, a failed command, changed genes and events left. */
async function teach(id: string): Promise<string[]> {
  const models: string[] = [];
  const learn = async (...events: string[][]) => {
    for (const event of events) await observe(id, ...event);
    models.push(String((await send("POST", `/${id}/learn`)).json.message));
  };
  await learn(["a"], ["b", "c"], ["d"]);
  await learn(["x"], ["y"]);
  await learn(["a"], ["b", "c"], ["d"]);
  await send("DELETE", `/${id}/model/${encodeURIComponent(String(models[1]))}`);
  await send("DELETE", `/${id}/model/nosuch`);
  await send("POST", `/${id}/genes/change`, { data: { max_sequence_length: 3, persistence: 4 } });
  await observe(id, "k");
  await observe(id, "l");
  const { auto_learned_model } = (await observe(id, "m")).json.message as { auto_learned_model: string };
  models.push(auto_learned_model);
  await send("POST", `/${id}/genes/change`, { data: { max_sequence_length: 0 } });
  await send("POST", `/${id}/gene/increment-recall-threshold`, { increment: 0.2 });
  const queued = await send("POST", `/${id}/observe`, { strings: ["a"] }, { prefer: "respond-async" });
  await send("GET", `/${id}/ping`, undefined, { "kato-after": String(queued.json.sequence) });
  return models;
}

test("a rebuild by hand gives working memory back where somebody else has changed it", async () => {
  await observe("p1", "one");
  await observe("p1", "two");
  const before = await knowledgeOf("p1", []);
  const planned = await rebuild("p1", "?dry_run=true");
  assert.deepEqual(planned.json, {
    id: "p1",
    dry_run: true,
    from: 1,
    through: 2,
    commands: 2,
    observes: 2,
    learns: 0,
  });

  const stranger = new KatoChannel(`127.0.0.1:${system.simulators[0]?.port}`);
  assert.ok(await stranger.connect(5_000));
  await stranger.call("ClearWorkingMemory", encodeRequest("ClearWorkingMemory", {}), 5_000);
  stranger.close();
  assert.deepEqual((await send("GET", "/p1/working-memory")).json.message, []);

  const { status, json } = await rebuild("p1");
  assert.deepEqual(
    [status, json],
    [200, { id: "p1", state: "rebuilt", from: 1, through: 2, observes: 2, events: 2, degraded: "" }],
  );
  assert.deepEqual(await knowledgeOf("p1", []), before);
  const metrics = await (await fetch(`${system.worker.url}/metrics`)).text();
  const counted = (method: string, outcome: string) =>
    metrics.includes(`kato_recoveries_total{processor="p1",method="${method}",outcome="${outcome}"}`);
  assert.ok(
    counted("rebuild", "exact") && counted("replay", "observed") && counted("reconcile", "restarted"),
  );
  const { interval } = (await observe("p1", "three")).json;
  assert.equal(interval, 3, "what clients count goes on");
  await send("POST", "/p1/clear-working-memory");
});

test("the kept history is replayed into a cleared instance: the same knowledge, told nobody again", async () => {
  const models = await teach("p1");
  const before = await knowledgeOf("p1", models);
  const letters = (await send("GET", "/processors/p1/dead-letters")).text;
  const lastOf = async () =>
    ((await send("GET", "/processors/p1/log")).json.commands as { sequence: number }[]).at(-1)?.sequence;
  const last = await lastOf();
  const planned = await rebuild("p1", "?dry_run=true", { from: 1 });
  assert.equal(planned.status, 200, planned.text);
  assert.deepEqual([planned.json.from, planned.json.through, planned.json.learns], [1, last, 3]);
  assert.deepEqual(await knowledgeOf("p1", models), before, "a dry run changes nothing");

  const { status, headers, json } = await insistOnReplay("p1");
  assert.deepEqual([status, json.state, json.through], [202, "rebuilding", last]);
  assert.equal(headers.location, "/processors/p1");
  await untilReplayed("p1");
  assert.deepEqual(await knowledgeOf("p1", models), before);
  assert.equal(await lastOf(), last, "nothing was added to the log, or taken from it");
  assert.equal((await send("GET", "/processors/p1/dead-letters")).text, letters);
  assert.equal((await observe("p1", "b", "c")).status, 200);
});

test("a replay that everything dies in goes on, and comes to the same", async () => {
  const models = await teach("p2");
  const before = await knowledgeOf("p2", models);
  const [, instance] = system.simulators;
  assert.equal((await insistOnReplay("p2")).status, 202);
  await until("it is under way", async () => {
    const { state, depth } = await entryOf("p2");
    return state === "rebuilding" && Number(depth) < 20;
  });
  await instance?.kill();
  await until("that is seen", async () => (await entryOf("p2")).state === "down");
  await instance?.restart();
  await until("it goes on", async () => {
    const { state, depth } = await entryOf("p2");
    return state === "rebuilding" && Number(depth) < 17;
  });
  await system.worker.kill();
  await until("that is seen", async () => (await entryOf("p2")).state === "unowned");
  await system.worker.restart();
  await untilReplayed("p2");
  assert.deepEqual(await knowledgeOf("p2", models), before);
});

test("what cannot be replayed is refused and changes nothing", async () => {
  const { last } = await entryOf("p1");
  for (const from of [0, -1, 1.5, "1", Number(last) + 1]) {
    const { status, json } = await rebuild("p1", "", { from });
    assert.deepEqual([status, (json.errors as { field: string }[])[0]?.field, from], [422, "from", from]);
  }
  assert.equal((await rebuild("nobody")).status, 404);
  assert.equal((await rebuild("p1", "?dry_run=perhaps")).status, 422);
  await send("POST", "/processors/p1/pause");
  await until("it is paused", async () => (await entryOf("p1")).state === "paused");
  const { status, json } = await rebuild("p1", "", { from: 1 });
  assert.deepEqual([status, json.effect], [409, "none"]);
  assert.equal((await rebuild("p1")).status, 200, "working memory can be");
  await send("POST", "/processors/p1/resume");
  await system.simulators[0]?.kill();
  await until("it is down", async () => (await entryOf("p1")).state === "down");
  assert.equal((await rebuild("p1")).status, 503);
  assert.equal((await rebuild("p1", "", { from: 1 })).status, 503);
  await system.simulators[0]?.restart();
});

test("a replay that finds no instance says nothing of what an earlier worker has begun (A7)", async (t) => {
  const slow = await startSystem({
    simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "1000" }),
    workerEnv: { LEASE_MS: "1000" },
  });
  t.after(() => slow.stop());
  const [instance] = slow.simulators;
  assert.equal((await slow.request("POST", "/p1/observe", { strings: ["first"] })).status, 200);
  const answer = slow.request("POST", "/p1/observe", { strings: ["second"] }, { prefer: "wait=4" });
  await until("it is begun", async () => {
    const { state, last } = (await slow.request("GET", "/processors/p1")).json;
    return state === "applying" && last === 2;
  });
  await instance?.kill("SIGSTOP");
  await slow.worker.kill();
  await slow.worker.restart();
  let isAnswered = false;
  void answer.finally(() => {
    isAnswered = true;
  });
  while (!isAnswered) await slow.request("POST", "/processors/p1/rebuild", { from: 1 });
  const { status, json } = await answer;
  assert.deepEqual([status, json.effect], [504, "unknown"]);
  await instance?.kill("SIGCONT");
  // The last replay that was asked for may have been begun.
  await until("another one is applied", async () => {
    const { status, json } = await slow.request("POST", "/p1/observe", { strings: ["third"] });
    if (status !== 200) assert.equal(json.effect, "none");
    return status === 200;
  });
  const { message } = (await slow.request("GET", "/p1/working-memory")).json;
  assert.deepEqual(message, [["first"], ["second"], ["third"]]);
});
