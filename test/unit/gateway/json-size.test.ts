import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { alwaysFitsBytes, checkJsonSize } from "../../../services/gateway/http/json-size.ts";
import { assertPassedOn, assertProblem, buildGatewayApp } from "../../fixtures/gateway-app.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const list = (count: number, item: (index: number) => string): string =>
  `[${Array.from({ length: count }, (_, index) => item(index)).join()}]`;

/** A name or a symbol of its own for each index. */
const own = (index: number): string => `k${index.toString(36)}`;

/** What the parsed form takes, in bytes for each byte of the text. */
function growth(json: string): number {
  const text = Buffer.from(json).toString();
  collect();
  const before = process.memoryUsage().heapUsed;
  const value: unknown = JSON.parse(text);
  collect();
  const took = process.memoryUsage().heapUsed - before;
  assert.ok(value);
  return took / text.length;
}

function isTaken(json: string): boolean {
  try {
    checkJsonSize(Buffer.from(json));
    return true;
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    assert.equal(error.code, "TOO_LARGE");
    return false;
  }
}

/** Bodies whose parsed form is more than 1 MiB, of what costs most for its size. */
const dense: [what: string, json: string][] = [
  ["[1]", list(40_000, () => "[1]")],
  ["[]", list(60_000, () => "[]")],
  ["[[]]", list(30_000, () => "[[]]")],
  ["{}", list(60_000, () => "{}")],
  ["{ }", list(60_000, () => "{ }")],
  ["[0.5]", list(40_000, () => "[0.5]")],
  ["[1, 2]", list(40_000, () => "[1,2]")],
  ["[1, 2, 3, 4]", list(40_000, () => "[1,2,3,4]")],
  ["arrays of a string", list(30_000, (index) => `["${own(index)}"]`)],
  ["strings", list(60_000, (index) => `"${own(index)}"`)],
  ["empty strings", list(80_000, () => '""')],
  ["negative zeros", list(200_000, (index) => (index === 0 ? '""' : "-0"))],
  ["objects of equal names", list(25_000, () => '{"a":1}')],
  ["objects of names of their own", list(25_000, (index) => `{"${own(index)}":1}`)],
  ["objects of a number as a name", list(25_000, () => '{"9":1}')],
  [
    "objects of ten names of their own",
    list(
      3_000,
      (index) => `{${Array.from({ length: 10 }, (_, name) => `"${own(10 * index + name)}":1`).join()}}`,
    ),
  ],
  [
    "equal names in other orders",
    list(9_000, (index) => {
      const left = [..."abcdefghijklmnopqrst"];
      const names = [3, 7, 11, 13].map((step) => left.splice((index * step) % left.length, 1)[0]);
      return `{${names.map((name) => `"${name}":1`).join()}}`;
    }),
  ],
  ["one object of many names", `{${list(30_000, (index) => `"${own(index)}":1`).slice(1, -1)}}`],
  ["emotives of names of their own", list(15_000, (index) => `{"emotives":{"${own(index)}":1}}`)],
];

test("no text is refused that is as short as those that are not looked at", () => {
  const nested = ["[", '{"a":', '{"1":'].map((part) => part.repeat(alwaysFitsBytes));
  for (const json of [...nested, ...dense.map(([, json]) => json)]) {
    assert.equal(isTaken(json.slice(0, alwaysFitsBytes)), true, json.slice(0, 40));
  }
});

for (const [what, json] of dense) {
  test(`${what}: a body that is taken takes no more than ten times its size when it is parsed`, () => {
    if (isTaken(json)) assert.ok(growth(json) < 10.5, String(growth(json)));
  });
}

test("a body of which more would be made than ten times its size is refused", async (t) => {
  const { send, close } = buildGatewayApp();
  t.after(close);
  for (const [what, json] of dense.filter(([what]) => /^(\[1\]|\[\]|\{\}|objects of names)/.test(what))) {
    assert.equal(isTaken(json), false, what);
    const answer = await send("POST", "/p1/observe", `{"vectors":${json}}`);
    assertProblem(answer, 413, what);
    assert.match(String(answer.json.detail), /10 times its size/);
  }
  // There is room for them in a body that is as large as that.
  assert.ok(isTaken(`["${"x".repeat(400_000)}",${list(40_000, () => "[1]").slice(1)}`));
  assert.ok(isTaken(list(15_000, () => "[1]")));
});

const observation = (index: number) => ({
  strings: [own(index)],
  vectors: [[index, 0.5]],
  emotives: { joy: 0.5 },
});

test("what ordinary clients send is taken, however tightly it is written", async (t) => {
  const { send, close } = buildGatewayApp();
  t.after(close);
  const of = <T>(length: number, item: (index: number) => T): T[] =>
    Array.from({ length }, (_, index) => item(index));
  for (const [what, body] of Object.entries({
    "vectors of numbers": { vectors: of(300, (row) => of(512, (column) => Math.sin(row * column))) },
    "vectors of ones and zeros": { vectors: of(400, (row) => of(768, (column) => (row + column) % 2)) },
    "many short vectors": { vectors: of(20_000, (row) => [row % 10, 1, 0, 2, 3]) },
    "vectors of one number": { vectors: of(15_000, (row) => [row % 10]) },
    symbols: { strings: of(49_000, own) },
    letters: { strings: of(49_000, (index) => own(index % 10)) },
    emotives: { emotives: Object.fromEntries(of(20_000, (index) => [own(index), 0.5])) },
  })) {
    const json = JSON.stringify(body);
    assertPassedOn(await send("POST", "/p1/observe", json), what);
    assert.ok(isTaken(json.replaceAll(",", ", ")), what);
  }
  for (const [what, item] of Object.entries<(index: number) => object>({
    "a symbol": (index: number) => ({ strings: [own(index % 10)] }),
    "a vector": (index: number) => ({ vectors: [[index % 10]] }),
    "everything under data": (index: number) => ({ data: observation(index) }),
    "an emotive of some": (index: number) => ({ emotives: { [own(index % 1_000)]: 1 } }),
    everything: observation,
  })) {
    assert.ok(isTaken(JSON.stringify({ observations: of(5_000, item) })), what);
    assert.ok(isTaken(JSON.stringify(item(5))), what);
  }
});
