import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertPassedOn, assertProblem, buildGatewayApp } from "../../fixtures/gateway-app.ts";
import type { Answer } from "../../fixtures/http-client.ts";

// Nothing that is refused here was passed on: the app would have answered 503.
const { send, close } = buildGatewayApp();
after(close);

const post = (path: string, body?: unknown) => send("POST", path, body);
const fieldsOf = ({ json }: Answer) => (json.errors as { field: string }[]).map(({ field }) => field);

/** Asserts a 422 that names this field first, and says that nothing was done. */
function assertRefused(answer: Answer, field: string, about: string): void {
  assertProblem(answer, 422, about);
  assert.ok(String(answer.json.detail).startsWith(`${field}: `), `${about}: ${answer.json.detail}`);
  assert.equal(fieldsOf(answer)[0], field);
  assert.equal(answer.json.effect, "none");
  assert.equal(answer.headers["kato-sequence"], undefined);
}

test("a wrong observation is a 422 that names the field", async () => {
  for (const [body, field] of [
    ['{"strings": "a"}', "strings"],
    ['{"strings": {"0": "a"}}', "strings"],
    ['{"strings": null}', "strings"],
    ['{"strings": ["a", 1]}', "strings[1]"],
    ['{"strings": [["a"]]}', "strings[0]"],
    ['{"strings": ["a", "\\ud800"]}', "strings[1]"],
    ['{"data": {"strings": ["\\udc00x"]}}', "strings[0]"],
    ['{"vectors": [1, 2]}', "vectors[0]"],
    ['{"vectors": [[]]}', "vectors[0]"],
    ['{"vectors": [[1, 2], [1]]}', "vectors[1]"],
    ['{"vectors": [[1, "2"]]}', "vectors[0][1]"],
    ['{"vectors": [[1, null]]}', "vectors[0][1]"],
    ['{"vectors": [["NaN"]]}', "vectors[0][0]"],
    ['{"vectors": [[1e400]]}', "vectors[0][0]"],
    ['{"vectors": {"length": 1}}', "vectors"],
    ['{"emotives": []}', "emotives"],
    ['{"emotives": {"joy": "0.5"}}', "emotives.joy"],
    ['{"emotives": {"joy": "NaN"}}', "emotives.joy"],
    ['{"emotives": {"joy": 1e39}}', "emotives.joy"],
    ['{"emotives": {"joy": -1e400}}', "emotives.joy"],
    ['{"emotives": {"joy": null}}', "emotives.joy"],
    ['{"emotives": {"__proto__": {}}}', "emotives.__proto__"],
    ['{"emotives": {"a\\nb": "x"}}', "emotives.a\nb"],
    ['{"emotives": {"\\ud800": 1}}', "emotives"],
    ['{"metadata": {"k": 1}}', "metadata.k"],
    ['{"metadata": {"__proto__": []}}', "metadata.__proto__"],
    ['{"metadata": {"k": "\\ud800"}}', "metadata.k"],
    ['{"unique_id": 5}', "unique_id"],
    ['{"unique_id": null}', "unique_id"],
    ['{"unique_id": "\\ud800"}', "unique_id"],
    ['{"source": []}', "source"],
    ['{"source": "\\udfff"}', "source"],
    ['{"path": "camera"}', "path"],
    ['{"path": [null]}', "path[0]"],
    ['{"path": ["\\ud800"]}', "path[0]"],
    ["[]", "body"],
    ["5", "body"],
    ['"text"', "body"],
    ['{"data": 5}', "body"],
    ['{"data": []}', "body"],
  ] as const) {
    assertRefused(await post("/p1/observe", body), field, body);
  }
});

test("a wrong item of a sequence is a 422 that names the item", async () => {
  const of = (...all: string[]) => all.map((text) => ({ strings: [text] }));
  const wrong: [unknown, string][] = [
    [[...of("a", "b", "c"), { strings: [1] }], "observations[3].strings[0]"],
    [[...of("a"), { vectors: [[1], [1, 2]] }], "observations[1].vectors[1]"],
    [[{ strings: ["\ud800"] }], "observations[0].strings[0]"],
    [[{ emotives: { joy: 1e99 } }], "observations[0].emotives.joy"],
    [[3], "observations[0]"],
    [[], "observations"],
    ["x", "observations"],
  ];
  for (const [observations, field] of wrong) {
    const answer = await post("/p1/observe-sequence", { observations });
    assertProblem(answer, 422, field);
    assert.equal(fieldsOf(answer)[0], field);
  }
  for (const body of [{}, { observations: of("a"), learn_at_end: "yes" }]) {
    assertProblem(await post("/p1/observe-sequence", body), 422, JSON.stringify(body));
  }
});

test("a wrong unique_id of predictions is a 422 that names it", async () => {
  for (const body of ['{"unique_id": 5}', '{"unique_id": null}', '{"data": {"unique_id": []}}']) {
    assertRefused(await post("/p1/predictions", body), "unique_id", body);
  }
  assertProblem(await send("GET", "/p1/predictions?unique_id=a&unique_id=b"), 422);
});

test("a gene that cannot be set safely is refused by name, with the reason", async () => {
  for (const [name, reason] of [
    ["max_predictions", /until it is restarted/],
    ["WM", /not one of the genes that can be set/],
    ["learn", /not one of the genes that can be set/],
    ["superkb", /not one of the genes that can be set/],
    ["__proto__", /not one of the genes that can be set/],
    ["constructor", /not one of the genes that can be set/],
  ] as const) {
    for (const body of [`{"persistence": 9, "${name}": 1}`, `{"data": {"persistence": 9, "${name}": 1}}`]) {
      const answer = await post("/p1/genes/change", body);
      assertRefused(answer, name, body);
      assert.match(String(answer.json.detail), reason);
      assert.deepEqual(fieldsOf(answer), [name]);
    }
  }
});

test("a value that a gene cannot have is refused by the gene's name", async () => {
  for (const [name, values] of Object.entries({
    recall_threshold: ["-0.1", "1.1", "1e400", "null", '"0.5"', "true", "[0.5]", "{}"],
    max_sequence_length: ["-1", "1.5", "1e39", "-1e400", '"2"', "null"],
    persistence: ["1e39", "-1e400", '"NaN"', "null"],
    smoothness: ["3.5e38", "{}"],
    always_update_frequencies: ['"yes"', "null", "1e400"],
  })) {
    for (const value of values) {
      const body = `{"data": {"${name}": ${value}}}`;
      assertRefused(await post("/p1/genes/change", body), name, body);
    }
  }
});

test("a change of no genes is refused", async () => {
  for (const body of [
    {},
    { data: {} },
    { data: [] },
    { data: null },
    { data: 1 },
    [],
    "null",
    "1",
    undefined,
  ]) {
    const answer = await post("/p1/genes/change", body);
    assertProblem(answer, 422, JSON.stringify(body));
    assert.ok(fieldsOf(answer).length > 0);
  }
});

test("an increment that is not a number from -1 to 1 is a 422 that names it", async () => {
  for (const value of ['"0.1"', "null", "2", "-1.5", "1e400", "[]", "true"]) {
    const body = `{"increment": ${value}}`;
    assertRefused(await post("/p1/gene/increment-recall-threshold", body), "increment", body);
  }
});

test("a wrong update of a model is a 422 that names the field", async () => {
  for (const [body, field] of [
    ['{"frequency": -1}', "frequency"],
    ['{"frequency": 1.5}', "frequency"],
    ['{"frequency": 2147483648}', "frequency"],
    ['{"frequency": 1, "emotives": {"joy": 1}}', "emotives"],
    ['{"frequency": 1, "emotives": [{"joy": "much"}]}', "emotives[0].joy"],
    ['{"frequency": 1, "emotives": [{"joy": 1e39}]}', "emotives[0].joy"],
    ['{"emotives": []}', "frequency"],
  ] as const) {
    const answer = await send("PUT", "/p1/model/x", body);
    assertProblem(answer, 422, body);
    assert.ok(String(answer.json.detail).includes(field), `${body}: ${answer.json.detail}`);
  }
});

test("a target class that is not a text is a 422 that names it", async () => {
  for (const body of [{}, { target_class: 1 }, { target_class: null }, [], undefined]) {
    const answer = await send("PUT", "/p1/target-class", body);
    assertProblem(answer, 422, JSON.stringify(body));
    assert.ok(fieldsOf(answer).length > 0);
  }
});

test("a query that is not one of those there are is a 422", async () => {
  for (const [method, path] of [
    ["POST", "/p1/observations?learn=never"],
    ["POST", "/p1/observations?on_error=perhaps"],
    ["GET", "/processors/p1/dead-letters?from=x"],
    ["GET", "/processors/p1/dead-letters?limit=-1"],
    ["GET", "/processors/p1/dead-letters?from=1.5"],
    ["GET", "/processors/p1/log?from=x"],
  ] as const) {
    assertProblem(await send(method, path), 422, path);
  }
});

test("an unknown field is refused by name, with what may have been meant, wherever it stands", async () => {
  const observe = "/p1/observe";
  for (const [path, body, field, detail] of [
    [observe, { string: ["a"] }, "string", "is unknown; did you mean strings?"],
    [observe, { data: { String: ["a"] } }, "String", "is unknown; did you mean strings?"],
    [observe, { data: {}, strings: ["a"] }, "strings", "is unknown; known are data"],
    [observe, '{"strings": ["a"], "__proto__": {}}', "__proto__", /^is unknown; known are strings, /],
    [observe, { strings: ["a"], Close: 187.15 }, "Close", /^is unknown; known are strings, vectors, /],
    ["/p1/observe-sequence", { observations: [{}], learn_at_the_end: true }, "learn_at_the_end", /known are/],
    ["/p1/observe-sequence", { observations: [{}, { vector: [] }] }, "observations[1].vector", /vectors\?$/],
    ["/p1/predictions", { uniqueid: "a" }, "uniqueid", "is unknown; did you mean unique_id?"],
    ["/p1/genes/change", { data: { persistence: 1 }, persistence: 2 }, "persistence", /known are data$/],
    ["/p1/gene/increment-recall-threshold", { by: 0.1 }, "by", "is unknown; known are increment"],
    ["/processors/p1/rebuild", { form: 5 }, "form", "is unknown; did you mean from?"],
    ["/p1/learn", { at: "end" }, "at", "is unknown; there are none here"],
  ] as const) {
    const answer = await post(path, body);
    assertRefused(answer, field, JSON.stringify(body));
    const [first] = answer.json.errors as { detail: string }[];
    if (typeof detail === "string") assert.equal(first?.detail, detail);
    else assert.match(first?.detail ?? "", detail);
  }
  for (const [path, body] of [
    ["/p1/model/x", { frequency: 1, emotive: [] }],
    ["/p1/target-class", { target_class: "a", target: "b" }],
    ["/processors/p1", { name: "P1", grpc_endpoint: "a:1", port: 1441 }],
  ] as const) {
    assertProblem(await send("PUT", path, body), 422, path);
  }
});

test("of several unknown fields each is named", async () => {
  const row = { Date: "2024-01-02", Close: 187.15, Volume: 82488700 };
  assert.deepEqual(fieldsOf(await post("/p1/observe", row)), ["Date", "Close", "Volume"]);
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x${index}`.repeat(50), 1]));
  assert.ok((await post("/p1/observe", many)).text.length < 20_000);
});

test("an unknown parameter of a query is refused by name, on every path but the probes", async () => {
  for (const [method, path, field] of [
    ["POST", "/p1/observations?lern=end", "lern"],
    ["POST", "/p1/observe?learn=end", "learn"],
    ["GET", "/p1/ping?wait=5", "wait"],
    ["GET", "/p1/predictions?uniqueid=a", "uniqueid"],
    ["GET", "/processors?limits=5", "limits"],
    ["DELETE", "/processors/p1?forced=true", "forced"],
  ] as const) {
    assertRefused(await send(method, path), field, path);
  }
  for (const path of ["/health?from=balancer", "/kato-api/ping?x", "/metrics?collect[]=x"]) {
    assert.equal((await send("GET", path)).status, 200, path);
  }
});

test("null is no body, neither at the top nor under data", async () => {
  for (const path of ["/p1/observe", "/p1/predictions", "/processors/p1/rebuild"]) {
    for (const body of ["null", '{"data": null}']) assertRefused(await post(path, body), "body", path);
  }
});

test("commands that take no body take any that has no fields, and data", async () => {
  for (const body of [undefined, "", "{}", "null", "[1]", '"x"', '{"data": {"strings": ["a"]}}']) {
    assertPassedOn(await post("/p1/wake", body), String(body));
  }
});
