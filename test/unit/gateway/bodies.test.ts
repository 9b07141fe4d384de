import assert from "node:assert/strict";
import { after, test } from "node:test";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { assertPassedOn, assertProblem, buildGatewayApp } from "../../fixtures/gateway-app.ts";

const { send, close } = buildGatewayApp();
after(close);

const notJson = [
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
];

test("a body that is not JSON is a 400", async () => {
  for (const body of notJson) {
    for (const path of ["/p1/observe", "/p1/learn", "/p1/genes/change", "/p1/predictions"]) {
      assertProblem(await send("POST", path, body), 400, `${path} ${body}`);
    }
  }
});

test("with legacyErrors a body that is not JSON is a 500, and nothing else is", async (t) => {
  const old = buildGatewayApp({ legacyErrors: true });
  t.after(old.close);
  for (const body of notJson) assert.equal((await old.send("POST", "/p1/observe", body)).status, 500);
  assert.equal((await old.send("POST", "/p1/observe", { strings: 5 })).status, 422);
  assertPassedOn(await old.send("POST", "/p1/observe", { strings: ["a"] }));
});

test("a body is read as JSON, whatever its content type says", async () => {
  for (const type of ["application/xml", "text/html; charset=utf-8", "multipart/form-data", "text/plain"]) {
    assertPassedOn(
      await send("POST", "/p1/observe", '{"strings": ["typed"]}', { "content-type": type }),
      type,
    );
  }
});

test("gzip and br are read, whatever the case of their names", async () => {
  const body = '{"strings": ["zipped"]}';
  for (const [coding, bytes] of [
    ["gzip", gzipSync(body)],
    ["GZIP", Buffer.concat([gzipSync(body.slice(0, 9)), gzipSync(body.slice(9))])],
    ["x-gzip", gzipSync(body)],
    ["br", brotliCompressSync(body)],
    ["identity", Buffer.from(body)],
  ] as const) {
    assertPassedOn(await send("POST", "/p1/observe", bytes, { "content-encoding": coding }), coding);
  }
});

test("a body that is not what its Content-Encoding says is a 400", async () => {
  const zipped = gzipSync('{"strings": ["zipped"]}');
  for (const bytes of [
    Buffer.from("{}"),
    zipped.subarray(0, -9),
    Buffer.concat([zipped, Buffer.from("x")]),
  ]) {
    const answer = await send("POST", "/p1/observe", bytes, { "content-encoding": "gzip" });
    assertProblem(answer, 400, bytes.toString("hex"));
  }
});

test("another content coding, and a charset that is not UTF-8, are a 415 that says what is understood", async () => {
  for (const coding of ["deflate", "zstd", "compress", "gzip, gzip", "__proto__"]) {
    const answer = await send("POST", "/p1/observe", "{}", { "content-encoding": coding });
    assertProblem(answer, 415, coding);
    assert.equal(answer.headers["accept-encoding"], "gzip, br");
  }
  for (const type of [
    "text/html; charset=latin1",
    'application/json;charset="UTF-16"',
    "application/x-ndjson; charset=x",
  ]) {
    assertProblem(await send("POST", "/p1/observe", "{}", { "content-type": type }), 415, type);
    assertProblem(await send("POST", "/p1/observations", "{}", { "content-type": type }), 415, type);
  }
  for (const type of [
    "application/json; charset=UTF-8",
    "text/plain; charset=us-ascii",
    'a/b; charset="utf8"',
  ]) {
    assertPassedOn(await send("POST", "/p1/observe", "{}", { "content-type": type }), type);
  }
});

test("a small body that unfolds to a large one is a 413, and takes no memory", async () => {
  const bomb = brotliCompressSync(Buffer.alloc(300 * 1024 * 1024, " "), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
  });
  const before = process.memoryUsage().rss;
  assertProblem(await send("POST", "/p1/observe", bomb, { "content-encoding": "br" }), 413);
  assert.ok(process.memoryUsage().rss - before < 150 * 1024 * 1024);
});

test("a byte-order mark before a body means nothing", async () => {
  assertPassedOn(await send("POST", "/p1/observe", '\uFEFF{"strings": ["a"]}'));
});

test("a list of lines that is not called one is refused with a sentence that helps", async () => {
  for (const [type, body] of [
    ["application/x-www-form-urlencoded", '{"strings":["a"]}{"strings":["b"]}'],
    ["application/x-www-form-urlencoded", '{"strings":["a"]}'],
    ["text/plain", '{"strings":["a"]}\n{"strings":["b"]}'],
    ["application/json", '[{"strings":["a"]}]'],
  ] as const) {
    const answer = await send("POST", "/p1/observations", body, { "content-type": type });
    assert.ok([400, 422].includes(answer.status), answer.text);
    assert.match(String(answer.json.detail), /Content-Type: application\/x-ndjson/, body);
  }
});

test("a body that is missing counts as an empty one", async () => {
  for (const body of [undefined, "", "{}"]) {
    for (const path of ["/p1/observe", "/p1/wake", "/p1/predictions", "/processors/p1/rebuild"]) {
      assertPassedOn(await send("POST", path, body), path);
    }
  }
});

test("a body nested deeply is judged like any other", async () => {
  const depth = 100_000;
  for (const [open, close] of [
    ["[", "]"],
    ['{"emotives":{"a":', "}}"],
  ] as const) {
    assertProblem(await send("POST", "/p1/observe", `${open.repeat(depth)}1${close.repeat(depth)}`), 422);
  }
});
