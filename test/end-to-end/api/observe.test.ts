import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";

let system: System;
before(async () => {
  system = await startSystem({ processors: [{ id: "p46b6b076c", name: "P1" }] });
});
after(() => system?.stop());
beforeEach(async () => {
  const cleared = await system.request("POST", "/p46b6b076c/clear-all-memory");
  assert.equal(cleared.json.message, "all-cleared");
});

const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request("POST", `/p46b6b076c${path}`, body, headers);
const workingMemory = async () => (await system.request("GET", "/p46b6b076c/working-memory")).json.message;

test("an observation is answered in the envelope, with its unique_id beside the message", async () => {
  const sentAt = Date.now() / 1_000;
  const { status, headers, json } = await post("/observe", {
    strings: ["a"],
    vectors: [],
    emotives: {},
    unique_id: "u-1",
  });
  assert.equal(status, 200);
  assert.match(headers["content-type"] ?? "", /^application\/json/);
  const { time_stamp, ...rest } = json;
  assert.deepEqual(rest, {
    id: "p46b6b076c",
    interval: 1,
    status: "okay",
    message: { status: "observed", auto_learned_model: "" },
    unique_id: "u-1",
  });
  assert.equal(typeof time_stamp, "number");
  assert.ok(Number(time_stamp) >= sentAt && Number(time_stamp) <= Date.now() / 1_000);
});

test("the interval counts observations, and nothing else", async () => {
  await post("/observe", { strings: ["a"] });
  await post("/learn");
  await post("/observe", {});
  assert.equal((await post("/clear-working-memory")).json.interval, 2);
  assert.equal((await post("/observe", { strings: ["b"] })).json.interval, 3);
  assert.equal((await system.request("GET", "/p46b6b076c/ping")).json.interval, 3);
});

test("the same body can stand under data", async () => {
  const { json } = await post("/observe", {
    data: { strings: ["b", "a"], vectors: [], emotives: {}, unique_id: "wrapped" },
  });
  assert.equal(json.unique_id, "wrapped");
  assert.deepEqual(await workingMemory(), [["a", "b"]]);
});

test("every part of an observation may be missing, and the whole body", async () => {
  for (const body of [{}, { data: {} }, { strings: [] }, { emotives: { joy: 1 } }, undefined, ""]) {
    const { status, json } = await post("/observe", body);
    assert.equal(status, 200, `${JSON.stringify(body)}: ${JSON.stringify(json)}`);
  }
  assert.deepEqual(await workingMemory(), []);
});

test("a body without a content type, or with curl's, is read as JSON", async () => {
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"]) {
    const { status } = await post("/observe", '{"strings":["x"]}', { "content-type": type });
    assert.equal(status, 200, type);
  }
  assert.deepEqual(await workingMemory(), [["x"], ["x"], ["x"]]);
});

test("a unique_id is made when it is missing or empty, another one each time", async () => {
  const answers = [
    await post("/observe", { strings: ["a"] }),
    await post("/observe", { strings: ["a"], unique_id: "" }),
    await post("/observe", {}),
  ];
  const ids = answers.map(({ json }) => json.unique_id);
  for (const id of ids) assert.match(String(id), /^.{8,}$/);
  assert.equal(new Set(ids).size, ids.length);
});

test("events stand in working memory in order, their strings sorted by code point, duplicates kept", async () => {
  await post("/observe", { strings: ["b", "a", "b"] });
  await post("/observe", { strings: ["\u{1F600}", "\uFF21", "z", "Z", "é", ""] });
  await post("/observe", {});
  await post("/observe", { strings: ["c"] });
  assert.deepEqual(await workingMemory(), [
    ["a", "b", "b"],
    ["", "Z", "z", "é", "\uFF21", "\u{1F600}"],
    ["c"],
  ]);
});

test("metadata, source, path and the names of emotives come back in the percept data, __proto__ among them", async () => {
  const body = `{"strings": ["b", "a"], "emotives": {"__proto__": 0.5, "joy": -2}, "metadata": {"__proto__": "m", "k": ""},
    "path": ["camera"], "source": "eye", "unique_id": "u", "unheard_of": 1}`;
  assert.equal((await post("/observe", body)).status, 200);
  const percept = await system.request("GET", "/p46b6b076c/percept-data");
  assert.deepEqual(percept.json.message, {
    strings: ["b", "a"],
    vectors: [],
    emotives: JSON.parse('{"__proto__": 0.5, "joy": -2}'),
    metadata: JSON.parse('{"__proto__": "m", "k": ""}'),
    path: ["camera", "P1-p46b6b076c-process"],
  });
});

test("both paths clear working memory, and only that", async () => {
  for (const path of ["/working-memory/clear", "/clear-working-memory"]) {
    await post("/observe", { strings: ["a"] });
    const { status, json } = await post(path);
    assert.equal(status, 200);
    assert.equal(json.message, "wm-cleared");
    assert.deepEqual(await workingMemory(), []);
  }
  assert.equal((await post("/learn")).json.interval, 2);
});

test("clearing all memory takes the models and the interval back to nothing", async () => {
  await post("/observe", { strings: ["a", "b"] });
  const { message: name } = (await post("/learn")).json;
  const cleared = await post("/clear-all-memory", {});
  assert.equal(cleared.json.interval, 0);
  const path = `/p46b6b076c/model/${encodeURIComponent(String(name))}`;
  assert.equal((await system.request("GET", path)).status, 404);
});

test("every answer to a command names it and its place in the log; an answer to a query does not", async () => {
  const answers = [await post("/observe", { strings: ["a"] }), await post("/learn"), await post("/sleep")];
  const sequences = answers.map(({ headers }) => Number(headers["kato-sequence"]));
  const [first = 0] = sequences;
  assert.ok(first > 0);
  assert.deepEqual(sequences, [first, first + 1, first + 2]);
  const commands = answers.map(({ headers }) => headers["kato-command"]);
  for (const command of commands) assert.match(String(command), /^\S{8,}$/);
  assert.equal(new Set(commands).size, 3);
  const { headers } = await system.request("GET", "/p46b6b076c/working-memory");
  assert.equal(headers["kato-sequence"], undefined);
  assert.equal(headers["kato-command"], undefined);
});

test("a processor that is not registered is a 404 that names it, for every verb", async () => {
  for (const [method, path] of [
    ["POST", "/nobody/observe"],
    ["GET", "/nobody/working-memory"],
    ["GET", "/nobody/model/MODEL%7Cx"],
    ["GET", "/processors/nobody"],
  ] as const) {
    const { status, headers, json } = await system.request(method, path);
    assert.equal(status, 404);
    assert.match(headers["content-type"] ?? "", /^application\/problem\+json/);
    assert.equal(json.detail, "Processor nobody not found");
    assert.equal(json.processor, "nobody");
  }
});
