import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { linesOfTexts, ndjson, openUpload, texts, untilDone } from "../../fixtures/bulk.ts";
import { eventsOf } from "../../fixtures/processors.ts";
import { startGatewayHere } from "../../fixtures/services-here.ts";
import { untilUsable } from "../../fixtures/system.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let system: SystemHere;
before(async () => {
  system = await startSystemHere();
});
after(() => system?.stop());
beforeEach(() => system.succeed("POST", "/p1/clear-all-memory"));

const post = (body: unknown, query = "", headers: Record<string, string> = ndjson) =>
  system.request("POST", `/p1/observations${query}`, body, headers);
const open = (query = "", headers = {}) =>
  openUpload(system.gateway.url, `/p1/observations${query}`, headers);
const done = (location: unknown) => untilDone(system.request, String(location));
const events = () => eventsOf(system.request);
const receiptsOf = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("the lines of a stream are stored and applied in their order", async () => {
  const all = texts(500);
  const { status, headers, json } = await post(linesOfTexts(all));
  assert.equal(status, 202);
  const first = Number(json.first_sequence);
  assert.deepEqual(json, {
    ingestion: json.ingestion,
    accepted: 500,
    first_sequence: first,
    last_sequence: first + 499,
    rejected: [],
  });
  assert.equal(headers.location, `/p1/ingestions/${json.ingestion}`);
  const view = await done(headers.location);
  assert.deepEqual([view.accepted, view.applied, view.failed, view.eta_seconds], [500, 500, 0, 0]);
  assert.deepEqual(await events(), all);
});

test("everything that an observation can carry arrives, and a unique_id is made where there is none", async () => {
  const body = [
    {
      strings: ["b", "a"],
      emotives: { joy: 0.5 },
      metadata: { who: "me" },
      unique_id: "mine",
      source: "s",
      path: ["p"],
    },
    { data: { strings: ["wrapped"] } },
  ];
  const { json, headers } = await post(body.map((line) => JSON.stringify(line)).join("\n"));
  await done(headers.location);
  assert.deepEqual((await system.request("GET", "/p1/working-memory")).json.message, [
    ["a", "b"],
    ["wrapped"],
  ]);
  const predictions = (id: string) => system.request("GET", `/p1/predictions?unique_id=${id}`);
  assert.equal((await predictions("mine")).status, 501);
  assert.equal((await predictions(`${json.ingestion}.2`)).status, 200);
});

test("lines count from 1, blank ones are skipped, and refused ones are told", async () => {
  const lines = [
    '{"strings":["a"]}',
    "",
    " \t\r",
    "{nope",
    '{"strings":[1]}',
    "[]",
    "null",
    '{"vectors":[[1],[1,2]]}',
  ];
  lines.push('{"emotives":{"x":1e99}}', '{"strings":["b"]}');
  const { status, json } = await post(
    Buffer.from(`${lines.join("\n")}\n"\xff"\n{"strings":["c"]}`, "latin1"),
  );
  assert.equal(status, 202);
  assert.equal(json.accepted, 3);
  const rejected = json.rejected as { line: number; detail: string }[];
  assert.deepEqual(
    rejected.map(({ line }) => line),
    [4, 5, 6, 7, 8, 9, 11],
  );
  assert.match(rejected[0]?.detail ?? "", /not JSON/);
  assert.equal(rejected[1]?.detail, "strings[0]: must be string");
  assert.match(rejected[4]?.detail ?? "", /vectors\[1\]/);
  assert.match(rejected[6]?.detail ?? "", /UTF-8/);
  await done(`/p1/ingestions/${json.ingestion}`);
  assert.deepEqual(await events(), ["a", "b", "c"]);
});

test("of very many refused lines the first 100 are named and all are counted", async () => {
  const { json } = await post("x\n".repeat(1_000) + linesOfTexts(["a"]));
  assert.equal(json.accepted, 1);
  assert.equal((json.rejected as unknown[]).length, 100);
  assert.equal(json.rejected_count, 1_000);
});

test("with on_error=stop nothing after the first refused line is stored, and the answer tells what is stored", async () => {
  const body = `${linesOfTexts(["a", "b"])}nope\n${linesOfTexts(["c"])}`;
  const { status, json } = await post(body, "?on_error=stop&learn=end");
  assert.equal(status, 422);
  assert.match(String(json.detail), /^line 3: /);
  assert.deepEqual([json.accepted, Number(json.last_sequence) - Number(json.first_sequence)], [2, 1]);
  assert.equal((await done(`/p1/ingestions/${json.ingestion}`)).intake, "stopped");
  assert.deepEqual(await events(), ["a", "b"]);
});

test("a line over the limit is refused, and the lines around it are taken", async () => {
  const tooLong = JSON.stringify({ strings: ["x".repeat(5_000_000)] });
  const muchTooLong = " ".repeat(26_000_000);
  const { json } = await post(`${linesOfTexts(["a"])}${tooLong}\n${muchTooLong}\n${linesOfTexts(["b"])}`);
  assert.equal(json.accepted, 2);
  const rejected = json.rejected as { line: number; detail: string }[];
  assert.deepEqual(
    rejected.map(({ line }) => line),
    [2, 3],
  );
  for (const { detail } of rejected) assert.match(detail, /limit|longer/);
  await done(`/p1/ingestions/${json.ingestion}`);
  assert.deepEqual(await events(), ["a", "b"]);
});

test("learn=end learns after the last observation", async () => {
  const { json } = await post(linesOfTexts(["a", "b"]), "?learn=end");
  assert.equal(json.learn_sequence, Number(json.last_sequence) + 1);
  assert.equal(json.accepted, 2);
  const view = await done(`/p1/ingestions/${json.ingestion}`);
  assert.deepEqual([view.accepted, view.applied, view.learn], [2, 2, "applied"]);
  assert.deepEqual(await events(), []);
  await system.succeed("POST", "/p1/observe", { strings: ["a"] });
  const predictions = (await system.request("GET", "/p1/predictions")).json.message as unknown[];
  assert.equal(predictions.length, 1);
});

test("observations can also come in a JSON body", async () => {
  const observations = [{ strings: ["a"] }, 3, { strings: ["b"] }];
  const { status, json } = await post({ observations }, "?learn=end", {});
  assert.equal(status, 202);
  assert.deepEqual([json.accepted, json.rejected], [2, [{ line: 2, detail: "must be object" }]]);
  for (const body of [{}, [], { observations: "x" }, "nope"]) {
    assert.ok([400, 422].includes((await post(body, "", {})).status));
  }
});

test("a request of which not one line was accepted is a 422 and stores nothing, not even a Learn", async () => {
  const unknown = '{"string":["typo"]}\n{"Date":"2024-01-02","Close":187.15}\n{"index":{"_index":"x"}}\n';
  const list = JSON.stringify({ observations: [{ strings: ["a"] }] });
  for (const [body, count] of [
    ["", 0],
    ["\n \n", 0],
    [unknown, 3],
    [list, 1],
  ] as const) {
    const { status, json, headers } = await post(body, "?learn=end");
    assert.deepEqual(
      [status, json.accepted, json.first_sequence, json.learn_sequence],
      [422, 0, null, undefined],
    );
    const rejected = json.rejected as { detail: string }[];
    assert.equal(rejected.length, count);
    assert.match(String(json.detail), /^Not one observation was accepted\. (line 1|body): /);
    assert.equal((await done(headers.location)).accepted, 0);
    const receipts = receiptsOf((await post(body, "", { ...ndjson, accept: "application/x-ndjson" })).text);
    assert.equal(receipts.length, Math.max(count, 1));
    assert.ok(receipts.every(({ error }) => typeof error === "string"));
  }
  assert.match(
    JSON.stringify((await post(unknown)).json.rejected),
    /string: is unknown; did you mean strings\?/,
  );
  assert.deepEqual(await events(), []);
});

test("a stream is read as it is coded, with a byte-order mark and under each of its names", async () => {
  const lines = linesOfTexts(["a", "b"]);
  const types = ["application/ndjson", "application/jsonl", "Application/X-NDJSON; charset=utf-8"];
  for (const type of types) assert.equal((await post(lines, "", { "content-type": type })).json.accepted, 2);
  for (const [coding, bytes] of [
    ["gzip", gzipSync(lines)],
    ["br", brotliCompressSync(`\uFEFF${lines}`)],
    ["identity", Buffer.from(`\uFEFF${lines}\uFEFF${lines}`)],
  ] as const) {
    const { status, json } = await post(bytes, "", { ...ndjson, "content-encoding": coding });
    assert.deepEqual([status, json.rejected], [202, []]);
    await done(`/p1/ingestions/${json.ingestion}`);
  }
  assert.equal((await events()).length, 2 * (types.length + 4));
  const broken = await post(gzipSync(lines).subarray(0, -9), "", { ...ndjson, "content-encoding": "gzip" });
  assert.deepEqual([broken.status, broken.json.type], [400, "urn:kato:problem:bad-request"]);
  assert.equal((await post(lines, "", { ...ndjson, "content-encoding": "deflate" })).status, 415);
});

test("an unknown processor, a wrong option or a wrong key is refused", async () => {
  assert.equal((await system.request("POST", "/nobody/observations", "", ndjson)).status, 404);
  assert.equal((await post("", "?learn=never")).status, 422);
  assert.equal((await post("", "?on_error=perhaps")).status, 422);
  assert.equal((await post("", "", { ...ndjson, "idempotency-key": " " })).status, 422);
});

test("receipts come in the order of the lines, each as soon as its line is stored", async () => {
  const stream = open("?learn=end", { accept: "application/x-ndjson" });
  const response = await stream.head;
  assert.equal(response.statusCode, 200);
  assert.match(response.headers.location ?? "", /^\/p1\/ingestions\/./);
  let received = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    received += text;
  });
  await stream.write(linesOfTexts(["a"]));
  await until("the first receipt has come", () => received.endsWith("\n"));
  const first = Number(receiptsOf(received)[0]?.sequence);
  await stream.write(`nope\n\n${linesOfTexts(texts(300))}{"strings":["last"]}`);
  stream.request.end();
  await until("it ends", () => response.complete);
  const [one, two, ...others] = receiptsOf(received);
  assert.deepEqual(one, { line: 1, sequence: first });
  assert.deepEqual([two?.line, typeof two?.error], [2, "string"]);
  const expected = Array.from({ length: 301 }, (_, index) => ({
    line: index + 4,
    sequence: first + index + 1,
  }));
  assert.deepEqual(others, [...expected, { learn_sequence: first + 302 }]);
});

test("of a client that goes away in a line, the lines before it are kept and half a line is not", async () => {
  const stream = open("?learn=end", { accept: "application/x-ndjson" });
  const { location } = (await stream.head).headers;
  await stream.write(`${linesOfTexts(["a", "b"])}{"strings":["c"]}`);
  await until("it is stored", async () => (await events()).length === 2);
  assert.equal((await system.request("GET", String(location))).json.state, "accepting");
  stream.request.destroy();
  const { intake, accepted, applied } = await done(location);
  assert.deepEqual({ intake, accepted, applied }, { intake: "interrupted", accepted: 2, applied: 2 });
  assert.deepEqual(await events(), ["a", "b"]);
});

test("of a client that vanishes without a word the key is free again, and the newer sending goes on", async (t) => {
  const impatient = await startGatewayHere({ natsUrl: system.nats.url, env: { IDLE_TIMEOUT_MS: "1000" } });
  t.after(() => impatient.stop());
  await untilUsable(impatient.url);
  const key = { "idempotency-key": "vanished" };
  const stream = openUpload(impatient.url, "/p1/observations", key);
  stream.answer().catch(() => {});
  await stream.write(linesOfTexts(["a", "b"]));
  await until("it is stored", async () => (await events()).length === 2);
  const again = () => post(linesOfTexts(["a", "b", "c"]), "", { ...ndjson, ...key });
  assert.equal((await again()).status, 409);
  const { json, headers } = await until("the older one is given up", async () => {
    const answer = await again();
    return answer.status === 202 && answer;
  });
  assert.equal(json.accepted, 3);
  await done(headers.location);
  assert.deepEqual(await events(), ["a", "b", "c"]);
});

test("the client is held back while NATS acknowledges nothing, and goes on when it does", async () => {
  const stream = open();
  const line = `${JSON.stringify({ strings: ["x".repeat(100_000)] })}\n`.repeat(10);
  await stream.write(line);
  await until("it flows", async () => (await events()).length > 0);
  await system.nats.kill("SIGSTOP");
  let written = 0;
  const writing = (async () => {
    for (; written < 60; written++) await stream.write(line);
  })();
  let seen = { written, at: Date.now() };
  await until("nothing was taken for a second", () => {
    if (written !== seen.written) seen = { written, at: Date.now() };
    return Date.now() - seen.at > 1_000;
  });
  assert.ok(written < 40, `${written} MB were taken from the client`);
  await system.nats.kill("SIGCONT");
  await writing;
  stream.request.end();
  const { status, json } = await stream.answer();
  assert.deepEqual([status, json.accepted], [202, 610]);
  await done(`/p1/ingestions/${json.ingestion}`);
});

test("a query is answered during an ingestion, and a command is applied at its place in it", async () => {
  const stream = open();
  await stream.write(linesOfTexts(texts(50)));
  await until("it is applied", async () => (await events()).length === 50);
  assert.equal((await system.request("POST", "/p1/observe", { strings: ["between"] })).status, 200);
  await stream.write(linesOfTexts(texts(50, "u")));
  stream.request.end();
  const { json } = await stream.answer();
  assert.equal(json.accepted, 100);
  await done(`/p1/ingestions/${json.ingestion}`);
  assert.deepEqual(await events(), [...texts(50), "between", ...texts(50, "u")]);
});

test("a stream whose chunks break in the middle is no fault of the gateway", async () => {
  const socket = connect(system.gateway.port, "127.0.0.1");
  const line = '{"strings":["a"]}\n';
  const head = `POST /p1/observations HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${ndjson["content-type"]}\r\n`;
  socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${line.length.toString(16)}\r\n${line}\r\n`);
  await until("the line is stored", async () => Number((await events()).length) === 1);
  socket.write("zz\r\n");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "close");
  assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 400 .*bad-request/s);
  assert.equal((await post(linesOfTexts(["b"]))).status, 202);
  assert.doesNotMatch(system.gateway.output(), /INTERNAL|"level":50/);
});
