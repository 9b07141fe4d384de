import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Line } from "../../../services/gateway/bulk/ndjson.ts";
import { linesOf } from "../../../services/gateway/bulk/ndjson.ts";

async function* stream(chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function all(lines: AsyncIterable<Line[]>): Promise<Line[]> {
  const gathered: Line[] = [];
  for await (const some of lines) gathered.push(...some);
  return gathered;
}

/** Line numbers and texts. The text of a line over the limit is null. */
async function read(chunks: Buffer[], limitBytes = 1_000): Promise<[number, string | null][]> {
  const lines = await all(linesOf(stream(chunks), limitBytes));
  return lines.map(({ number, bytes }) => [number, bytes?.toString("latin1") ?? null]);
}

const bytes = (text: string) => Buffer.from(text, "latin1");

test("lines are numbered from 1, blank ones too, and the last one needs no line break", async () => {
  assert.deepEqual(await read([bytes("a\n\r\nbc\r\n\nd")]), [
    [1, "a"],
    [2, ""],
    [3, "bc"],
    [4, ""],
    [5, "d"],
  ]);
  assert.deepEqual(await read([bytes("a\n")]), [[1, "a"]]);
  assert.deepEqual(await read([]), []);
});

test("lines are the same wherever the chunks end", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r"), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.nat(60), { maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      async (whole, cuts, limit) => {
        const ends = [...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const chunks = ends.map((end, index) => bytes(whole.slice(ends[index - 1] ?? 0, end)));
        assert.deepEqual(await read(chunks, limit), await read([bytes(whole)], limit));
      },
    ),
  );
});

test("nothing is kept of a line over the limit, and the next line is read", async () => {
  assert.deepEqual(await read([bytes("1234\n12345\n"), bytes("123"), bytes("456\nab\n123456")], 4), [
    [1, "1234"],
    [2, null],
    [3, null],
    [4, "ab"],
    [5, null],
  ]);
});

test("a line of any number of parts takes no more memory than the limit", async () => {
  async function* drip() {
    for (let count = 0; count < 100_000; count++) yield bytes("x");
  }
  const [line] = await all(linesOf(drip(), 90_000));
  assert.equal(line?.bytes, undefined);
  const [whole] = await all(linesOf(drip(), 100_000));
  assert.equal(whole?.bytes?.length, 100_000);
});

test("when the stream breaks off the part of its last line is dropped", async () => {
  async function* broken() {
    yield bytes("a\nb\nhal");
    throw new Error("gone");
  }
  const lines: string[] = [];
  await assert.rejects(async () => {
    for await (const some of linesOf(broken(), 100)) lines.push(...some.map((line) => String(line.bytes)));
  }, /gone/);
  assert.deepEqual(lines, ["a", "b"]);
});

test("no more is read from the stream than lines are asked for", async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given++;
      yield bytes("a\n");
    }
  }
  const lines = linesOf(endless(), 10);
  await lines.next();
  await lines.next();
  assert.equal(given, 2);
  await lines.return(undefined);
});
