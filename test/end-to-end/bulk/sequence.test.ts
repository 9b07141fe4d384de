import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { texts } from "../../fixtures/bulk.ts";
import { eventsOf } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let system: SystemHere;
before(async () => {
  system = await startSystemHere();
});
after(() => system?.stop());
beforeEach(() => system.succeed("POST", "/p1/clear-all-memory"));

interface Message {
  results: Record<string, unknown>[];
  learned: string[];
  predictions: Record<string, unknown>[];
}

const observe = async (body: object, headers: Record<string, string> = {}) => {
  const answer = await system.request("POST", "/p1/observe-sequence", body, headers);
  return { ...answer, message: answer.json.message as Message };
};
const of = (...all: string[]) => all.map((text) => ({ strings: [text] }));
/** The place in the log of a command that is sent now. */
const next = async () => Number((await system.request("POST", "/p1/wake")).headers["kato-sequence"]);

test("a sequence is one command: a result for each observation, and the predictions at the end", async () => {
  await observe({ observations: of("a", "b", "c"), learn_at_end: true });
  const { status, headers, json, message } = await observe({
    observations: [...of("a"), { strings: ["b"], unique_id: "mine" }],
  });
  assert.equal(status, 200);
  assert.match(String(headers["kato-sequence"]), /^\d+$/);
  assert.deepEqual([json.id, json.status], ["p1", "okay"]);
  assert.deepEqual(
    message.results.map(({ status, auto_learned_model }) => [status, auto_learned_model]),
    [
      ["observed", ""],
      ["observed", ""],
    ],
  );
  assert.equal(message.results[1]?.unique_id, "mine");
  assert.ok(message.results[0]?.unique_id);
  assert.deepEqual(message.learned, []);
  assert.equal(message.predictions.length, 1);
  assert.match(String(message.predictions[0]?.name), /^MODEL\|/);
  assert.deepEqual(message.predictions, (await system.request("GET", "/p1/predictions")).json.message);
  assert.deepEqual(await eventsOf(system.request), ["a", "b"]);
});

test("it learns after each observation, learns at the end and clears in between as the flags say", async () => {
  const each = await observe({ observations: of("a", "b"), learn_after_each: true, learn_at_end: true });
  // Of a single event KATO learns nothing.
  assert.deepEqual(each.message.learned, ["", "", ""]);
  const atEnd = await observe({ observations: of("a", "b"), learn_at_end: true });
  assert.match(atEnd.message.learned[0] ?? "", /^MODEL\|/);
  const between = await observe({ observations: of("a", "b"), clear_working_memory_between: true });
  assert.deepEqual(between.message.results.length, 2);
  assert.deepEqual(await eventsOf(system.request), ["b"]);
  const all = { learn_after_each: true, learn_at_end: true, clear_working_memory_between: true };
  const everything = await observe({ data: { observations: of("x", "y", "z"), ...all } });
  assert.deepEqual([everything.message.results.length, everything.message.learned.length], [3, 4]);
});

test("the result of an observation names the model that it had learned", async () => {
  await system.succeed("POST", "/p1/genes/change", { max_sequence_length: 2 });
  const { message } = await observe({ observations: of("a", "b") });
  await system.succeed("POST", "/p1/genes/change", { max_sequence_length: 0 });
  assert.equal(message.results[0]?.auto_learned_model, "");
  assert.match(String(message.results[1]?.auto_learned_model), /^MODEL\|/);
});

test("a wrong item is named, and nothing is queued", async () => {
  const before = await next();
  const { status, json, text } = await observe({ observations: [...of("a", "b", "c"), { strings: [1] }] });
  assert.equal(status, 422, text);
  assert.equal((json.errors as { field: string }[])[0]?.field, "observations[3].strings[0]");
  assert.equal(await next(), before + 1);
});

test("a sequence that is too large is a 413, and nothing is queued", async () => {
  const before = await next();
  const { status, json } = await observe({
    observations: Array.from({ length: 50 }, () => ({ strings: ["x".repeat(100_000)] })),
  });
  assert.deepEqual([status, json.effect], [413, "none"]);
  assert.equal(await next(), before + 1);
});

test("an observation at which KATO fails is told in its place, and the rest is applied", async () => {
  await observe({ observations: [{ vectors: [[1, 2, 3]] }], learn_at_end: true });
  const { status, message, text } = await observe({
    observations: [...of("a"), { vectors: [[1, 2]] }, ...of("b")],
  });
  assert.equal(status, 200, text);
  assert.deepEqual(
    message.results.map((result) => result.status),
    ["observed", "failed", "observed"],
  );
  assert.match(String(message.results[1]?.detail), /broadcast/);
  assert.doesNotMatch(text, /Traceback/);
});

test("a long sequence is applied as a whole, with nothing in between, and can be asked for later", async () => {
  const all = texts(1_000);
  const queued = await observe({ observations: of(...all) }, { prefer: "respond-async" });
  assert.equal(queued.status, 202);
  const others = await Promise.all(
    ["x", "y"].map((text) => system.request("POST", "/p1/observe", { strings: [text] })),
  );
  assert.ok(others.every(({ status }) => status === 200));
  const response = await until("it is applied", async () => {
    const { json } = await system.request("GET", String(queued.headers.location));
    return json.state === "applied" && (json.response as Message);
  });
  assert.equal(response.results.length, 1_000);
  const events = await eventsOf(system.request);
  assert.deepEqual(events.slice(0, 1_000), all);
  assert.deepEqual(events.slice(1_000).sort(), ["x", "y"]);
});

test("a sequence is applied once under one Idempotency-Key", async () => {
  const headers = { "idempotency-key": "one" };
  const first = await observe({ observations: of("a", "b") }, headers);
  const second = await observe({ observations: of("a", "b") }, headers);
  assert.deepEqual([second.status, second.text], [200, first.text]);
  assert.equal(second.headers["idempotency-replayed"], "true");
  assert.deepEqual(await eventsOf(system.request), ["a", "b"]);
});
