import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { Answer } from "../../fixtures/http-client.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";

const limitMs = 5_000;
const runs = 250;

let system: SystemHere;
before(async () => {
  system = await startSystemHere({ gatewayEnv: { LOG_LEVEL: "silent" }, workerEnv: { LOG_LEVEL: "silent" } });
});
after(() => system?.stop());

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  // The first two have half of a surrogate pair, which JSON can carry as an escape.
  fc.constantFrom(
    "\ud800",
    "a\udfff",
    "__proto__",
    "constructor",
    "toString",
    "",
    "\u0000",
    "MODEL|x",
    "p1",
    "NaN",
  ),
);
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(1e39, -1e39, 2 ** 53, -0));
const key = fc.oneof(
  text,
  fc.constantFrom(
    "data",
    "strings",
    "vectors",
    "emotives",
    "metadata",
    "unique_id",
    "path",
    "source",
    "recall_threshold",
    "max_sequence_length",
    "increment",
    "target_class",
    "frequency",
  ),
);
/** JSON as text, so that it can have numbers out of range, and one key twice. */
const json: fc.Arbitrary<string> = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("null", "true", "false", "1e400", "-1e400", "1e-400", "[]", "{}"),
    number.map((value) => (Number.isFinite(value) ? JSON.stringify(value) : "1e999")),
    text.map((value) => JSON.stringify(value)),
    fc.array(tie("json"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    fc
      .array(fc.tuple(key, tie("json")), { maxLength: 4 })
      .map((entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`),
  ),
})).json;

const segment = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => encodeURIComponent(value.toWellFormed())) },
  { weight: 1, arbitrary: fc.constantFrom("%", "%zz", "%ff", "%00", "%2F", "..", ".", "*", "%7C", "a%20b") },
);
const names = ["model", "vector", "gene"];
const actions = [
  "observe",
  "learn",
  "predictions",
  "working-memory",
  "working-memory/clear",
  "clear-working-memory",
  "genes/change",
  "gene/increment-recall-threshold",
  "percept-data",
  "cognition-data",
  "status",
  "ping",
  "time",
  "sleep",
  "wake",
  "start-predicting",
  "target-class",
];
const path = fc.oneof(
  fc.constantFrom(...actions).map((action) => `/p1/${action}`),
  fc.tuple(fc.constantFrom(...names), segment).map(([kind, name]) => `/p1/${kind}/${name}`),
  fc.tuple(segment, fc.constantFrom(...actions)).map(([id, action]) => `/${id}/${action}`),
  segment.map((value) => `/p1/predictions?unique_id=${value}`),
  segment.map((value) => `/processors/${value}`),
  fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`),
);
const method = fc.constantFrom("GET", "POST", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS");
const body = fc.oneof(
  { weight: 6, arbitrary: json },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
const headers = fc.record(
  {
    "content-type": fc.constantFrom(
      "application/json",
      "text/plain",
      "application/json; charset=utf-16",
      "x/y;;",
    ),
    prefer: fc.constantFrom("wait=2", "wait=2, wait=1", "wait=,", '"', "wait=٣"),
  },
  { requiredKeys: [] },
);

const send = (...request: Parameters<SystemHere["request"]>): Promise<Answer> => {
  const late = AbortSignal.timeout(limitMs);
  return new Promise((resolve, reject) => {
    late.addEventListener("abort", () => reject(new Error(`no answer in ${limitMs} ms`)));
    system.request(...request).then(resolve, reject);
  });
};

const asSent = (headers: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Buffer.from(value).toString("latin1")]],
    ),
  );

test("any request is answered in time, without a 5xx other than 501, and without anything internal", async () => {
  await fc.assert(
    fc.asyncProperty(method, path, body, headers, async (verb, url, content, head) => {
      // This request would remove the processor, and there would be none for the rest.
      fc.pre(!(verb === "DELETE" && /^\/processors\/p1(\?|$)/.test(url)));
      const {
        status,
        headers: answered,
        json: problem,
        text: answer,
      } = await send(verb, url, content, asSent(head));
      assert.ok(status < 500 || status === 501, `${status} ${answer}`);
      assert.doesNotMatch(answer, /\.ts:\d|\.js:\d|node_modules|Traceback|kato\.p1\./);
      if (!url.startsWith("/processors")) assert.doesNotMatch(answer, /127\.0\.0\.1/);
      if (status >= 400 && verb !== "HEAD") {
        assert.match(answered["content-type"] ?? "", /^application\/problem\+json/);
        assert.equal(problem.status, status);
      }
      if (status === 422) assert.ok((problem.errors as object[])?.length > 0 || problem.effect === "none");
    }),
    { numRuns: runs, interruptAfterTimeLimit: 15_000 },
  );
});

test("any observation is answered in time with a 200, or with a 422 that names a field", async () => {
  const field = fc.constantFrom(
    "strings",
    "vectors",
    "emotives",
    "metadata",
    "unique_id",
    "path",
    "source",
    "data",
  );
  const observation = fc
    .array(fc.tuple(field, json), { maxLength: 4 })
    .map((entries) => `{${entries.map(([name, value]) => `"${name}":${value}`).join(",")}}`);
  await fc.assert(
    fc.asyncProperty(observation, async (content) => {
      const { status, json: answer } = await send("POST", "/p1/observe", content);
      if (status !== 200) {
        // KATO itself refuses vectors of another length than those it has learned.
        assert.equal(status, 422, JSON.stringify(answer));
        assert.ok(Array.isArray(answer.errors) || /broadcast/.test(String(answer.detail)));
      }
    }),
    { numRuns: runs, interruptAfterTimeLimit: 15_000 },
  );
});

test("after all these requests the processor works as before", async () => {
  assert.equal((await send("POST", "/p1/clear-all-memory")).status, 200);
  assert.equal((await send("POST", "/p1/genes/change", { max_sequence_length: 0 })).status, 200);
  assert.equal((await send("POST", "/p1/start-predicting")).status, 200);
  for (const strings of [["a"], ["b"]]) await system.succeed("POST", "/p1/observe", { strings });
  assert.deepEqual((await send("GET", "/p1/working-memory")).json.message, [["a"], ["b"]]);
  assert.equal({}.constructor, Object);
});
