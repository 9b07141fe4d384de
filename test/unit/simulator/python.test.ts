import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { modelName } from "../../../libs/kato/model-name.ts";
import {
  compareCodePoints,
  jsonDumps,
  plainFloat,
  round,
} from "../../../services/simulator/python/builtins.ts";

// The expected values were printed by CPython: sha1(str(sequence)), json.dumps, sorted, round.

test("a model's name is the sha1 of its sequence as Python prints it", () => {
  const names: [string[][], string][] = [
    [[["a", "b"], ["c"]], "e9e43f2309079f2843665ab773996d99489306d6"],
    [[["it's"], ['say "hi"'], ["both ' and \""]], "2f7ac098857d7a970b2d93d9108a3ff4773a25b3"],
    [[["back\\slash", "tab\t", "new\nline", "cr\r"]], "77cb1717995d18d9f9f2d8dd6dcee00a7f22c71a"],
    [[["\0", "\x1f", "\x7f", "\x80", "\xa0", "\xad"]], "5556786e19a13b5198ed43055ec3f7324553ddc8"],
    [
      [["é", "ß", "日本", "😀", "\u200b", "\u2028", "\ufeff", "\ue000", "\u{e0001}", "\u3000"]],
      "d86fff99525c5c50139678a4b3ce3492c7683fd2",
    ],
    [[["", "x"]], "0dd3bd4526f090c23a0a0056033f463992a61801"],
  ];
  for (const [sequence, name] of names) assert.equal(modelName(sequence), `MODEL|${name}`);
});

test("the JSON of working memory has Python's spaces and only ASCII", () => {
  assert.equal(jsonDumps([]), "[]");
  assert.equal(jsonDumps([["a", "b"], ["c"], []]), '[["a", "b"], ["c"], []]');
  assert.equal(jsonDumps([['"\\/\n\x07\x7f~']]), '[["\\"\\\\/\\n\\u0007\\u007f~"]]');
  assert.equal(jsonDumps([["é😀"]]), '[["\\u00e9\\ud83d\\ude00"]]');
});

test("any working memory is the same after it was written as JSON and read again", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ unit: "grapheme" }))), (events) => {
      assert.deepEqual(JSON.parse(jsonDumps(events)), events);
    }),
  );
});

test("strings are sorted by code point, not by UTF-16 unit", () => {
  const sorted = ["", "A", "Z", "a", "aa", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "😀"];
  assert.deepEqual(sorted.toReversed().sort(compareCodePoints), sorted);
});

test("any strings are ordered by their code points", () => {
  const codePoints = (text: string) => [...text].map((character) => character.codePointAt(0) ?? 0);
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "😀"),
  });
  fc.assert(
    fc.property(text, text, (left, right) => {
      const [a, b] = [codePoints(left), codePoints(right)];
      const at = a.findIndex((code, index) => code !== b[index]);
      const expected = at === -1 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
      assert.equal(Math.sign(compareCodePoints(left, right)), Math.sign(expected));
    }),
  );
});

test("the exact value is rounded, a tie to the even digit", () => {
  const cases: [number, number, number][] = [
    [0.25, 1, 0.2],
    [0.75, 1, 0.8],
    [-0.25, 1, -0.2],
    [2.5, 0, 2],
    [0.1 + 0.2, 1, 0.3],
    [0.0001220703125, 12, 0.000122070312],
    [0.0003662109375, 12, 0.000366210938],
    [2.675, 2, 2.67],
    [1.0000000000005, 12, 1.000000000001],
    [123456.123456789, 12, 123456.123456789],
    [1e-20, 12, 0],
  ];
  for (const [value, digits, expected] of cases) assert.equal(round(value, digits), expected);
});

test("a float32 has the fewest digits that identify it, but at least six, or is a text", () => {
  const cases: [number, number | string][] = [
    [0.1, 0.1],
    [-2, -2],
    [16777216, 16777216],
    [3.4028234663852886e38, 3.4028235e38],
    [1.401298464324817e-45, 1.4013e-45],
    [1316349.25, 1316349.2],
    [0, 0],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ];
  for (const [value, expected] of cases) assert.equal(plainFloat(Math.fround(value)), expected);
});

test("any float32 can be read back from its digits", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const digits = plainFloat(value);
      // A negative zero loses its sign.
      assert.equal(Math.fround(Number(digits)), value + 0);
      assert.ok(
        Number(digits)
          .toExponential()
          .replace(/e.*|\D/g, "").length <= 9,
      );
    }),
  );
});
