import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendTo } from "../../fixtures/http-client.ts";
import { KatoClient } from "../../fixtures/kato-client.ts";
import { eventsOf, untilIdle, untilState, viewOf } from "../../fixtures/processors.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
const env: Record<string, NodeJS.ProcessEnv> = {
  p2: { SIMULATOR_DELAY_MS: "100", SIMULATOR_DATA: temporaryFolder({ after }) },
  slow: { SIMULATOR_DELAY_MS: "800" },
};
before(async () => {
  system = await startSystem({
    processors: [{ id: "p1" }, { id: "p2" }, { id: "slow" }],
    simulatorEnv: (id) => env[id] ?? {},
    workerEnv: { LOG_HISTORY: "1000", LOG_TRIM_MS: "200", LEASE_MS: "1000" },
  });
});
after(() => system?.stop());

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request(method, path, body, headers);
const observe = (id: string, ...strings: string[]) => send("POST", `/${id}/observe`, { strings });
/** As `observe`, where the test rests on it. */
const tell = (id: string, ...strings: string[]) => system.succeed("POST", `/${id}/observe`, { strings });
const rebuild = (id: string, query = "", body?: unknown) =>
  send("POST", `/processors/${id}/rebuild${query}`, body);
/** On a busy machine an instance that is there may seem down for a moment. */
const insistOnReplay = (id: string) =>
  until("it can be replayed", async () => {
    const answer = await rebuild(id, "", { from: 1 });
    return answer.status !== 503 && answer;
  });
const view = (id: string) => viewOf(system.request, id);
const untilReplayed = (id: string) => untilIdle(system.request, id);
const untilItIs = (state: string, id: string) => untilState(system.request, id, state);

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

/**
 * A history with models, one learned twice, one by itself, one deleted, a failed command, changed genes and
 * events left.
 */
async function teach(id: string): Promise<string[]> {
  const models: string[] = [];
  const learn = async (...events: string[][]) => {
    for (const event of events) await tell(id, ...event);
    models.push(String((await send("POST", `/${id}/learn`)).json.message));
  };
  await learn(["a"], ["b", "c"], ["d"]);
  await learn(["x"], ["y"]);
  await learn(["a"], ["b", "c"], ["d"]);
  await system.succeed("DELETE", `/${id}/model/${encodeURIComponent(String(models[1]))}`);
  await send("DELETE", `/${id}/model/nosuch`);
  await system.succeed("POST", `/${id}/genes/change`, { data: { max_sequence_length: 3, persistence: 4 } });
  await tell(id, "k");
  await tell(id, "l");
  const { auto_learned_model } = (await observe(id, "m")).json.message as { auto_learned_model: string };
  models.push(auto_learned_model);
  await system.succeed("POST", `/${id}/genes/change`, { data: { max_sequence_length: 0 } });
  await system.succeed("POST", `/${id}/gene/increment-recall-threshold`, { increment: 0.2 });
  const queued = await send("POST", `/${id}/observe`, { strings: ["a"] }, { prefer: "respond-async" });
  await system.succeed("GET", `/${id}/ping`, undefined, { "kato-after": String(queued.json.sequence) });
  return models;
}

test("a rebuild by hand restores a working memory that somebody else has changed", async () => {
  await tell("p1", "one");
  await tell("p1", "two");
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

  const stranger = new KatoClient(`127.0.0.1:${system.simulator.port}`);
  await stranger.insist("ClearWorkingMemory", {});
  stranger.close();
  assert.deepEqual((await send("GET", "/p1/working-memory")).json.message, []);

  const { status, json } = await rebuild("p1");
  assert.deepEqual(
    [status, json],
    [200, { id: "p1", state: "rebuilt", from: 1, through: 2, observes: 2, events: 2, degraded: "" }],
  );
  assert.deepEqual(await knowledgeOf("p1", []), before);
  const { text: metrics } = await sendTo(system.worker.url)("GET", "/metrics");
  const counted = (method: string, outcome: string) =>
    metrics.includes(`kato_recoveries_total{processor="p1",method="${method}",outcome="${outcome}"}`);
  assert.ok(counted("rebuild", "exact") && counted("replay", "observed") && counted("reconcile", "adopted"));
  const { interval } = (await observe("p1", "three")).json;
  assert.equal(interval, 3, "the interval goes on");
  await system.succeed("POST", "/p1/clear-working-memory");
});

test("a replay of the kept history gives a cleared instance the same knowledge, and tells nobody anything again", async () => {
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

test("a replay goes on after the instance and the worker were killed in it, and ends with the same knowledge", async () => {
  const models = await teach("p2");
  const before = await knowledgeOf("p2", models);
  const [, instance] = system.simulators;
  assert.ok(instance);
  assert.equal((await insistOnReplay("p2")).status, 202);
  await until("it is under way", async () => {
    const { state, depth } = await view("p2");
    return state === "rebuilding" && depth < 20;
  });
  await instance.kill();
  await untilItIs("down", "p2");
  await instance.restart();
  await until("it goes on", async () => {
    const { state, depth } = await view("p2");
    return state === "rebuilding" && depth < 17;
  });
  await system.worker.kill();
  await untilItIs("unowned", "p2");
  await system.worker.restart();
  await untilReplayed("p2");
  assert.deepEqual(await knowledgeOf("p2", models), before);
});

test("a rebuild that is not possible is refused and changes nothing", async () => {
  const { last } = await view("p1");
  for (const from of [0, -1, 1.5, "1", last + 1]) {
    const { status, json } = await rebuild("p1", "", { from });
    assert.deepEqual([status, (json.errors as { field: string }[])[0]?.field, from], [422, "from", from]);
  }
  assert.equal((await rebuild("nobody")).status, 404);
  assert.equal((await rebuild("p1", "?dry_run=perhaps")).status, 422);
  await system.succeed("POST", "/processors/p1/pause");
  await untilItIs("paused", "p1");
  const { status, json } = await rebuild("p1", "", { from: 1 });
  assert.deepEqual([status, json.effect], [409, "none"]);
  assert.equal((await rebuild("p1")).status, 200, "working memory can be rebuilt nevertheless");
  await system.succeed("POST", "/processors/p1/resume");
  await system.simulator.kill();
  await untilItIs("down", "p1");
  assert.equal((await rebuild("p1")).status, 503);
  assert.equal((await rebuild("p1", "", { from: 1 })).status, 503);
  await system.simulator.restart();
});

test("a replay that finds no instance says nothing about a command that an earlier worker has begun (A7)", async () => {
  const [, , instance] = system.simulators;
  assert.ok(instance);
  assert.equal((await observe("slow", "first")).status, 200);
  // Until the gateway knows that this one is over, it would say that it is being applied.
  await until("the gateway knows that it is applied", async () => {
    const { state, applied } = await view("slow");
    return state === "ready" && applied === 1;
  });
  const body = { strings: ["second"] };
  let isAnswered = false;
  const answer = send("POST", "/slow/observe", body, { prefer: "wait=4" }).finally(() => {
    isAnswered = true;
  });
  await until("it is begun", async () => {
    const { state, last } = await view("slow");
    return state === "applying" && last === 2;
  });
  await instance.kill("SIGSTOP");
  await system.worker.kill();
  await system.worker.restart();
  await until("it is answered", async () => {
    await send("POST", "/processors/slow/rebuild", { from: 1 }, { prefer: "wait=1" });
    return isAnswered;
  });
  const { status, json } = await answer;
  assert.deepEqual([status, json.effect], [504, "unknown"]);
  await instance.kill("SIGCONT");
  // The last replay that was asked for may have been begun.
  await until("another one is applied", async () => {
    const { status, json } = await observe("slow", "third");
    if (status !== 200) assert.equal(json.effect, "none");
    return status === 200;
  });
  assert.deepEqual(await eventsOf(system.request, "slow"), ["first", "second", "third"]);
});
