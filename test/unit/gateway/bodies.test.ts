import assert from "node:assert/strict";
import { after, test } from "node:test";
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
  for (const type of ["application/xml", "text/html; charset=latin1", "multipart/form-data", "text/plain"]) {
    assertPassedOn(
      await send("POST", "/p1/observe", '{"strings": ["typed"]}', { "content-type": type }),
      type,
    );
  }
  const zipped = Buffer.from("H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==", "base64");
  assertProblem(await send("POST", "/p1/observe", zipped, { "content-encoding": "gzip" }), 400);
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
