import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Answer } from "../../fixtures/http-client.ts";
import { eventsOf, untilState } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const principalHeader = "x-forwarded-user";

let system: SystemHere;
before(async () => {
  system = await startSystemHere({
    processors: [{ id: "quick" }, { id: "slow" }, { id: "known" }],
    simulatorEnv: (id) => (id === "slow" ? { SIMULATOR_DELAY_MS: "600" } : {}),
    gatewayEnv: { PRINCIPAL_HEADER: principalHeader },
    headers: { [principalHeader]: "somebody" },
  });
});
after(() => system?.stop());

const observe = (id: string, text: string, key: string, prefer?: string): Promise<Answer> =>
  system.request(
    "POST",
    `/${id}/observe`,
    { strings: [text] },
    {
      "idempotency-key": key,
      ...(prefer !== undefined && { prefer }),
    },
  );
const events = (id: string) => eventsOf(system.request, id);
const isReplay = ({ headers }: Answer) => headers["idempotency-replayed"] === "true";
const withoutRequestId = ({ json: { request_id: _, ...rest } }: Answer) => rest;

test("a second request with the same key is given the stored answer and is not applied", async () => {
  const first = await observe("quick", "once", "a key");
  const again = await observe("quick", "once", "a key");
  assert.equal(first.status, 200);
  assert.ok(!isReplay(first));
  assert.ok(isReplay(again));
  assert.equal(again.status, 200);
  assert.deepEqual(again.json, first.json, "the unique_id and the time too");
  for (const name of ["kato-command", "kato-sequence"])
    assert.equal(again.headers[name], first.headers[name]);
  assert.deepEqual(await events("quick"), ["once"]);

  const { json } = await system.request("GET", `/quick/commands/${first.headers["kato-command"]}`);
  assert.equal(json.state, "applied");
});

test("a key belongs to one request to one processor", async () => {
  assert.ok(!isReplay(await observe("slow", "once", "a key")));
  for (const another of [
    await observe("quick", "another", "a key"),
    await system.request("POST", "/quick/learn", undefined, { "idempotency-key": "a key" }),
  ]) {
    assert.equal(another.status, 422);
    assert.equal((another.json.errors as { field: string }[])[0]?.field, "Idempotency-Key");
  }
  assert.deepEqual(await events("quick"), ["once"]);
});

test("a failure that KATO answered with is stored too", async () => {
  const remove = () =>
    system.request("DELETE", "/quick/model/nosuch", undefined, { "idempotency-key": "delete" });
  const [first, again] = [await remove(), await remove()];
  assert.deepEqual([first.status, again.status], [404, 404]);
  assert.deepEqual(withoutRequestId(again), withoutRequestId(first));
  assert.ok(isReplay(again));
});

test("a key is its principal's own, and the log names the principal of each command", async () => {
  const as = (user: string) => ({ [principalHeader]: user });
  const send = (user: string, strings: string[]) =>
    system.request(
      "POST",
      "/known/observe",
      { strings, unique_id: "same" },
      { ...as(user), "idempotency-key": "one" },
    );
  const first = await send("ann", ["x"]);
  const other = await send("bob", ["y"]);
  const again = await send("ann", ["x"]);
  assert.deepEqual([first.status, other.status, again.status], [200, 200, 200]);
  assert.deepEqual([first, other, again].map(isReplay), [false, false, true]);
  assert.equal(again.headers["kato-sequence"], first.headers["kato-sequence"]);
  assert.notEqual(other.headers["kato-sequence"], first.headers["kato-sequence"]);

  await system.succeed("POST", "/known/observations", { observations: [{ strings: ["b"] }] }, as("cid"));
  const { commands } = (await system.request("GET", "/processors/known/log")).json as {
    commands: { sender: string }[];
  };
  const senders = commands.map(({ sender }) => sender);
  assert.deepEqual(senders, ["ann", "bob", "cid"]);
});

test("a key that cannot be one is refused", async () => {
  for (const key of ["", " ", "x".repeat(256)]) {
    const { status, json } = await observe("quick", "x", key);
    assert.deepEqual([status, (json.errors as { field: string }[])[0]?.field], [422, "Idempotency-Key"]);
  }
  assert.equal(
    (await system.request("GET", "/quick/ping", undefined, { "idempotency-key": "x" })).status,
    200,
  );
});

test("while the first request runs the others are a 409, and one of all is applied", async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => observe("slow", "many", "many")));
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409, 409, 409, 409]);
  const refused = answers.find(({ status }) => status === 409);
  assert.equal(refused?.json.retryable, true);
  assert.ok(refused?.headers["retry-after"]);
  assert.ok(isReplay(await observe("slow", "many", "many")));
  assert.equal((await events("slow")).filter((text) => text === "many").length, 1);
});

test("a command that was not started in time can be sent again with the same key", async () => {
  const busy = observe("slow", "busy", "busy");
  const late = await observe("slow", "late", "late", "wait=0");
  assert.deepEqual([late.status, late.json.effect], [504, "none"]);
  await busy;
  const again = await observe("slow", "late", "late");
  assert.equal(again.status, 200, again.text);
  assert.ok(!isReplay(again));
  assert.ok(isReplay(await observe("slow", "late", "late")));
  assert.equal((await events("slow")).filter((text) => text === "late").length, 1);
});

test("where the first answer was unknown, the outcome is given once it is known", async () => {
  const first = await observe("slow", "unknown", "unknown", "wait=0");
  if (first.json.effect !== "none") assert.deepEqual([first.status, first.json.effect], [504, "unknown"]);
  let again = await observe("slow", "unknown", "unknown");
  await until("it is known", async () => {
    again = await observe("slow", "unknown", "unknown");
    return again.status !== 409;
  });
  assert.equal(again.status, 200, again.text);
  assert.equal((await events("slow")).filter((text) => text === "unknown").length, 1);
});

test("an asynchronous command is accepted once, and a repeat is answered with its result", async () => {
  const first = await observe("slow", "async", "async", "respond-async");
  const queued = await observe("slow", "async", "async", "respond-async");
  assert.equal(first.status, 202);
  assert.equal(queued.status, 202);
  assert.ok(isReplay(queued) && !isReplay(first));
  assert.equal(queued.headers.location, first.headers.location);
  assert.equal(queued.json.sequence, first.json.sequence);
  assert.equal((await observe("slow", "async", "async")).status, 409);
  await until("it is applied", async () => {
    const { json } = await system.request("GET", String(first.headers.location));
    return json.state === "applied";
  });
  const ended = await observe("slow", "async", "async", "respond-async");
  assert.equal(ended.status, 200);
  assert.ok(isReplay(ended));
  assert.deepEqual(ended.json.message, { status: "observed", auto_learned_model: "" });
  assert.equal((await events("slow")).filter((text) => text === "async").length, 1);
});

test("a refused request does not use up the key", async () => {
  await system.simulator.stop();
  await untilState(system.request, "quick", "down");
  assert.equal((await observe("quick", "refused", "refused")).status, 503);
  await system.simulator.restart();
  await until("it is back", async () => (await system.request("GET", "/quick/ping")).status === 200);
  const again = await observe("quick", "refused", "refused");
  assert.deepEqual([again.status, isReplay(again)], [200, false], again.text);
});

test("the same request with its keys in another order is given the stored answer", async () => {
  const send = (path: string, body: string, type = "application/json") =>
    system.request("POST", `/known${path}`, body, {
      "idempotency-key": "in any order",
      "content-type": type,
    });
  const [one, other] = [
    '{"emotives": {"joy": 1, "fear": 2}, "strings": ["any"], "metadata": {"k": "v", "l": "w"}}',
    '{"strings": ["any"], "metadata": {"l": "w", "k": "v"}, "emotives": {"fear": 2, "joy": 1}}',
  ];
  const first = await send("/observe", one);
  assert.equal(first.status, 200);
  assert.deepEqual((await send("/observe", other)).json, first.json);
  assert.equal((await send("/observe", other.replace("2", "3"))).status, 422);
  const bulk = (body: string) => send("/observations", body, "application/x-ndjson");
  const stored = await bulk(one);
  assert.deepEqual((await bulk(other)).json, stored.json);
  assert.equal((await bulk(other.replace("2", "3"))).status, 422);
});
