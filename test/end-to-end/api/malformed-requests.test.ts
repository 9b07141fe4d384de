import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import type { Answer } from "../../fixtures/http-client.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";

let system: System;
before(async () => {
  system = await startSystem({ gatewayEnv: { LOG_LEVEL: "silent" } });
});
after(() => system?.stop());

const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  system.request("POST", path, body, headers);
/** A problem without anything internal in it. */
const assertProblem = ({ status, headers, json, text }: Answer, expected: number, about = "") => {
  assert.equal(status, expected, `${about}: ${text.slice(0, 500)}`);
  assert.match(headers["content-type"] ?? "", /^application\/problem\+json/, about);
  assert.equal(json.status, expected);
  assert.match(String(json.type), /^urn:kato:problem:[a-z-]+$/);
  for (const member of ["title", "detail", "request_id"]) assert.equal(typeof json[member], "string", member);
  assert.equal(json.retryable, false);
  assert.doesNotMatch(text, /\.ts:|\.js:|node_modules|Traceback|kato\.p1/);
};
/** What the gateway answers to bytes on a connection, until it closes it. */
const raw = async (bytes: string | Buffer): Promise<string> => {
  const socket = connect(system.gateways[0]?.port ?? 0, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk)).on("error", () => {});
  socket.setTimeout(5_000, () => socket.destroy(new Error("it hangs")));
  socket.end(bytes);
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
};

test("a body that is not JSON is a 400", async () => {
  for (const body of [
    "{",
    "nonsense",
    "{'strings': []}",
    '{"strings": [NaN]}',
    '{"a": Infinity}',
    "[1,]",
    "\u0000",
    '\uFEFF{"strings": []}x',
    Buffer.from([0xff, 0xfe, 0x7b]),
    Buffer.from('{"strings": ["\xff"]}', "latin1"),
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
  ]) {
    for (const path of ["/p1/observe", "/p1/learn", "/p1/genes/change", "/p1/predictions"]) {
      assertProblem(await post(path, body), 400, `${path} ${body}`);
    }
  }
});

test("a body that is not JSON is a 500 for the old front end's clients, where that is asked for", async (t) => {
  const old = await startSystem({ gatewayEnv: { GATEWAY_LEGACY_ERRORS: "1", LOG_LEVEL: "silent" } });
  t.after(() => old.stop());
  assert.equal((await old.request("POST", "/p1/observe", "nonsense")).status, 500);
  assert.equal((await old.request("POST", "/p1/observe", { strings: 5 })).status, 422);
  assert.equal((await old.request("POST", "/p1/observe", { strings: ["a"] })).status, 200);
});

test("a wrong observation is a 422 that names the field, and nothing is queued", async () => {
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
    const answer = await post("/p1/observe", body);
    assertProblem(answer, 422, body);
    assert.ok(String(answer.json.detail).startsWith(`${field}: `), `${body}: ${answer.json.detail}`);
    assert.equal((answer.json.errors as { field: string }[])[0]?.field, field);
    assert.equal(answer.json.effect, "none");
    assert.equal(answer.headers["kato-sequence"], undefined);
  }
  assert.equal((await system.request("GET", "/p1/time")).json.message, 0);
});

test("a wrong unique_id of predictions is a 422 that names it", async () => {
  for (const body of ['{"unique_id": 5}', '{"unique_id": null}', '{"data": {"unique_id": []}}']) {
    const answer = await post("/p1/predictions", body);
    assertProblem(answer, 422, body);
    assert.match(String(answer.json.detail), /^unique_id: /);
  }
  assertProblem(await system.request("GET", "/p1/predictions?unique_id=a&unique_id=b"), 422);
});

test("a body nested deeply does no harm", async () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"data":', "}"],
    ['{"emotives":{"a":', "}}"],
  ] as const) {
    const depth = 100_000;
    const answer = await post("/p1/observe", `${open.repeat(depth)}1${close.repeat(depth)}`);
    assert.ok(answer.status < 500, answer.text.slice(0, 200));
  }
  assert.equal((await system.request("GET", "/p1/ping")).status, 200);
});

test("a path that is none of the gateway's is a 404, a verb that is not the path's too", async () => {
  for (const [method, path] of [
    ["GET", "/"],
    ["GET", "/p1"],
    ["GET", "/p1/ping/"],
    ["GET", "//p1/ping"],
    ["GET", "/p1/observe"],
    ["POST", "/p1/ping"],
    ["PATCH", "/p1/model/x"],
    ["OPTIONS", "/p1/observe"],
    ["TRACE", "/p1/ping"],
    ["PROPFIND", "/p1/ping"],
    ["GET", "/p1/gene"],
    ["POST", "/p1/gene/recall_threshold"],
    ["GET", "/..%2f..%2fetc%2fpasswd"],
    ["GET", "/p1/../../etc/passwd"],
  ] as const) {
    assertProblem(await system.request(method, path), 404, `${method} ${path}`);
  }
});

test("an id that cannot be one is a 404, however it is written", async () => {
  for (const id of [
    "P1",
    "p1%20",
    "p1%00",
    "p1.commands",
    "*",
    "%3E",
    "p1%2Fping",
    "__proto__",
    "constructor",
    "%E2%82%AC",
    "%0d%0aX-Injected:1",
    "x".repeat(900),
  ]) {
    const answer = await system.request("GET", `/${id}/ping`);
    assertProblem(answer, 404, id);
    assert.equal(answer.headers["x-injected"], undefined);
  }
  assert.equal((await system.request("GET", "/%701/ping")).status, 200);
});

test("a path that cannot be decoded, or is too long, is a 4xx", async () => {
  for (const path of [
    "/%",
    "/%zz/ping",
    "/p1/model/%E0%A4%A",
    "/p1/gene/%ff",
    "/p1/model/%c0%80",
    "/p%1/ping",
    `/p1/model/${"x".repeat(5_000)}`,
  ]) {
    const answer = await system.request("GET", path);
    assert.ok(answer.status === 400 || answer.status === 404, `${path}: ${answer.status}`);
    assertProblem(answer, answer.status, path);
  }
});

test("a head that is too long is a 4xx, or the end of the connection, which nobody else notices", async () => {
  const long = "x".repeat(20_000);
  for (const head of [`GET /${long}/ping HTTP/1.1`, `GET /p1/ping HTTP/1.1\r\nX-Long: ${long}`]) {
    assert.match(await raw(`${head}\r\nHost: x\r\n\r\n`), /^(HTTP\/1\.1 4\d\d |$)/);
  }
  assert.equal((await system.request("GET", "/p1/ping")).status, 200);
});

test("bytes that are no HTTP are a 4xx and the end of the connection", async () => {
  for (const bytes of [
    "nonsense\r\n\r\n",
    "FOO /p1/ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /p1/ping HTTP/9.9\r\nHost: x\r\n\r\n",
    "POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n{}",
    "POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
  ]) {
    assert.match(await raw(bytes), /^HTTP\/1\.1 4\d\d /, JSON.stringify(bytes));
  }
});

test("a body larger than any observation can be is a 413, before it has arrived", async () => {
  const head = "POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: 26000000\r\n\r\n";
  assert.match(await raw(`${head}{"strings": [`), /^HTTP\/1\.1 413 .*application\/problem\+json/s);
});

test("a body that ends too early has no effect, and hinders nobody", async () => {
  const before = (await system.request("GET", "/p1/time")).json.message;
  await raw('POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"strings": ["a"]');
  assert.equal((await system.request("GET", "/p1/time")).json.message, before);
});

test("a body's content type and coding do not matter where it is JSON, and are a 4xx where it is not", async () => {
  const body = '{"strings": ["typed"]}';
  for (const type of ["application/xml", "text/html; charset=latin1", "multipart/form-data"]) {
    assert.equal((await post("/p1/observe", body, { "content-type": type })).status, 200, type);
  }
  for (const headers of [{ "content-type": ";;;" }, { "content-type": "x" }]) {
    const { status } = await post("/p1/observe", body, headers);
    assert.ok(status === 200 || (status >= 400 && status < 500), `${JSON.stringify(headers)}: ${status}`);
  }
  const zipped = Buffer.from("H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==", "base64");
  assertProblem(await post("/p1/observe", zipped, { "content-encoding": "gzip" }), 400);
});

test("HEAD is GET without a body; a GET's body is left alone", async () => {
  const head = await system.request("HEAD", "/p1/ping");
  assert.deepEqual([head.status, head.text], [200, ""]);
  assert.equal((await system.request("GET", "/p1/ping", "nonsense")).status, 200);
});
