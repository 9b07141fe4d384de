import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { assertProblem, buildGatewayApp } from "../../fixtures/gateway-app.ts";
import type { Send } from "../../fixtures/http-client.ts";
import { sendTo } from "../../fixtures/http-client.ts";

const gateway = buildGatewayApp();
let send: Send;
let port: number;
before(async () => {
  const url = await gateway.listen();
  port = Number(new URL(url).port);
  send = sendTo(url);
});
after(() => gateway.close());

/** What the gateway answers to these bytes on a connection of their own, until it closes that. */
const raw = async (bytes: string | Buffer): Promise<string> => {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk)).on("error", () => {});
  socket.setTimeout(5_000, () => socket.destroy(new Error("it hangs")));
  socket.end(bytes);
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
};

/** Asserts that these bytes are one whole answer, and a problem of this type. */
function assertRawProblem(bytes: string, status: number, type: string): void {
  const [head = "", body = ""] = bytes.split("\r\n\r\n");
  assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), bytes);
  assert.match(head, /content-type: application\/problem\+json/i);
  assert.match(head, /x-content-type-options: nosniff/i);
  assert.equal(JSON.parse(body).type, `urn:kato:problem:${type}`);
  assert.equal(typeof JSON.parse(body).request_id, "string");
}

test("a method that the path does not have is a 405 that says which it has", async () => {
  for (const [method, path, allow] of [
    ["GET", "/p1/observe", "POST"],
    ["GET", "/p1/observe?x=1", "POST"],
    ["POST", "/p1/ping", "GET, HEAD"],
    ["PATCH", "/p1/model/MODEL%7Cx", "DELETE, GET, HEAD, PUT"],
    ["OPTIONS", "/p1/observe", "POST"],
    ["TRACE", "/p1/ping", "GET, HEAD"],
    ["PROPFIND", "/p1/ping", "GET, HEAD"],
    ["POST", "/p1/gene/recall_threshold", "GET, HEAD"],
    ["DELETE", "/processors", "GET, HEAD"],
    ["POST", "/health", "GET, HEAD"],
  ] as const) {
    const answer = await send(method, path);
    assertProblem(answer, 405, `${method} ${path}`);
    assert.equal(answer.headers.allow, allow, path);
  }
});

test("neither a body nor a content type counts where there is no such method or path", async () => {
  const type = { "content-type": "none" };
  assertProblem(await send("QUERY", "/p1/ping"), 405, "QUERY");
  for (const method of ["QUERY", "PATCH", "POST"]) {
    for (const [body, headers] of [["{"], ["{}", type], ["\xff".repeat(100_000)]] as const) {
      assertProblem(await send(method, "/p1/ping", body, headers), 405, `${method} ${body.slice(0, 9)}`);
      assertProblem(await send(method, "/p1/nosuch", body, headers), 404, `${method} ${body.slice(0, 9)}`);
    }
  }
});

test("a path that the gateway does not have is a 404", async () => {
  for (const [method, path] of [
    ["GET", "/p1"],
    ["GET", "/p1/ping/"],
    ["GET", "//p1/ping"],
    ["GET", "/p1/gene"],
    ["GET", "/..%2f..%2fetc%2fpasswd"],
    ["GET", "/p1/../../etc/passwd"],
  ] as const) {
    assertProblem(await send(method, path), 404, `${method} ${path}`);
  }
});

test("a path that cannot be decoded, or is too long, is a 400 or a 404", async () => {
  for (const path of [
    "/%",
    "/%zz/ping",
    "/p1/model/%E0%A4%A",
    "/p1/gene/%ff",
    "/p1/model/%c0%80",
    "/p%1/ping",
    `/p1/model/${"x".repeat(5_000)}`,
  ]) {
    const answer = await send("GET", path);
    assert.ok(answer.status === 400 || answer.status === 404, `${path}: ${answer.status}`);
    assertProblem(answer, answer.status, path);
  }
});

test("a head that is too long is a 4xx or the end of its connection, and other connections go on", async () => {
  const long = "x".repeat(20_000);
  for (const head of [`GET /${long}/ping HTTP/1.1`, `GET /p1/ping HTTP/1.1\r\nX-Long: ${long}`]) {
    assertRawProblem(await raw(`${head}\r\nHost: x\r\n\r\n`), 431, "headers-too-large");
  }
  assert.equal((await send("GET", "/kato-api/ping")).status, 200);
});

test("bytes that are not HTTP are a 4xx and the end of the connection", async () => {
  for (const bytes of [
    "nonsense\r\n\r\n",
    "FOO /p1/ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /p1/ping HTTP/9.9\r\nHost: x\r\n\r\n",
    "POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n{}",
    "POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /p1/observe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
  ]) {
    assertRawProblem(await raw(bytes), 400, "bad-request");
  }
});

test("a head that two programs may read differently is a 400", async () => {
  for (const head of [
    "GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n",
    "GET /health HTTP/1.1\r\nX: x\r\n",
    "POST /p1/observe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n",
  ]) {
    const chunk = head.startsWith("POST") ? "2\r\n{}\r\n0\r\n\r\n" : "";
    assertRawProblem(await raw(`${head}Connection: close\r\n\r\n${chunk}`), 400, "bad-request");
  }
  assert.match(await raw("GET /health HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 /);
});

test("what Node would answer by itself is answered by the gateway", async () => {
  const connecting = await raw("CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n");
  assertRawProblem(connecting, 405, "method-not-allowed");
  const expecting = "GET /health HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\nConnection: close\r\n\r\n";
  assert.match(await raw(expecting), /^HTTP\/1\.1 200 /);
});

test("every answer says that its type is not to be guessed, and that it is not to be stored", async () => {
  for (const path of ["/health", "/docs", "/nothing", "/p1/ping", "/%zz", "/metrics"]) {
    const { headers } = await send("GET", path);
    assert.deepEqual(
      [headers["x-content-type-options"], headers["cache-control"]],
      ["nosniff", "no-store"],
      path,
    );
  }
});

test("a body larger than any observation can be is a 413 before it has arrived", async () => {
  const head = "POST /p1/observe HTTP/1.1\r\nHost: x\r\nContent-Length: 26000000\r\n\r\n";
  assert.match(await raw(`${head}{"strings": [`), /^HTTP\/1\.1 413 .*application\/problem\+json/s);
});

test("HEAD is GET without a body", async () => {
  const head = await send("HEAD", "/kato-api/ping");
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("the body of a GET is ignored", async () => {
  assert.equal((await send("GET", "/kato-api/ping", "nonsense")).status, 200);
});

test("the first page says what this is, whether it is ready, and where to go on", async () => {
  const accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
  const page = await send("GET", "/?from=somewhere", undefined, { accept });
  assert.equal(page.status, 200);
  assert.match(String(page.headers["content-type"]), /^text\/html/);
  assert.match(page.text, /not ready<\/strong>: There is no NATS/);
  assert.match(page.text, /href="docs"/);
  assert.match(page.text, /href="processors"/);
  assert.doesNotMatch(page.text, /<script|<link|<img|\bsrc=/);
  for (const type of [undefined, "*/*", "application/json"]) {
    const answer = await send("GET", "/", undefined, type === undefined ? {} : { accept: type });
    assert.equal(answer.status, 200);
    assert.deepEqual([answer.json.name, answer.json.ready], ["KATO gateway", false]);
    for (const path of Object.values(answer.json.links as object)) {
      assert.notEqual((await send("GET", path)).status, 404, path);
    }
  }
});
