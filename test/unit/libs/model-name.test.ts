import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName, pythonRepr } from "../../../libs/kato/model-name.ts";

/** As Python 3.11 prints them. */
const printed: [text: string, asPythonPrints: string][] = [
  ["", "''"],
  ["a", "'a'"],
  ["it's", `"it's"`],
  ['say "x"', `'say "x"'`],
  [`it's "x"`, String.raw`'it\'s "x"'`],
  ["'", `"'"`],
  ['"', `'"'`],
  ["\\'", String.raw`"\\'"`],
  ["back\\slash", String.raw`'back\\slash'`],
  ["\n\r\t", String.raw`'\n\r\t'`],
  ["\u0000\u001f\u007f", String.raw`'\x00\x1f\x7f'`],
  ["\u0080\u009f\u00a0\u00ad", String.raw`'\x80\x9f\xa0\xad'`],
  ["\u00e9\u20ac", "'\u00e9\u20ac'"],
  ["e\u0301", "'e\u0301'"],
  [" ", "' '"],
  ["\u3000", String.raw`'\u3000'`],
  ["\u0378", String.raw`'\u0378'`],
  ["\u0600\u061c", String.raw`'\u0600\u061c'`],
  ["\u200b\u200d", String.raw`'\u200b\u200d'`],
  ["\u2028\u2029", String.raw`'\u2028\u2029'`],
  ["\ue000", String.raw`'\ue000'`],
  ["\ufeff\uffff", String.raw`'\ufeff\uffff'`],
  ["\u{1f600}", "'\u{1f600}'"],
  ["\u{1f468}\u200d\u{1f469}", `'\u{1f468}${String.raw`\u200d`}\u{1f469}'`],
  ["\u{e0001}\u{10ffff}", String.raw`'\U000e0001\U0010ffff'`],
];

/** sha1 of what Python prints. */
const hashes: [sequence: string[][], sha1: string][] = [
  [[["a", "b"]], "395314cc2f2880a00c3e6e11f1e02d8b8c45a0e4"],
  [[["a"], ["b"]], "76d7efca2e96cb5eeddf4e06ac96a0f424630135"],
  [[["b"], ["a"]], "596fdf45f7ff90e6bfc83b767a9de2695132ed03"],
  [[[], ["a", "b"]], "3ab8b9a94f146a52216bcb8eebd617830350596a"],
  [[["a", "a"]], "7f1780902fc4656f661baf31763a8cb7092a6ea7"],
  [[["it's"], ['say "x"']], "c443af08b40fe5fdb502236c594a6d402b273f52"],
  [[["\u00e9", "\u20ac"], ["\u{1f600}"]], "279dd631dc21c6992ecde32654747db6363cfbeb"],
  [[["\n", "\u0000"]], "f99f95cc1671ea3cc27860dd1e8cbde8202727c7"],
  [[["VECTOR|x", "a"], []], "6de3840abc7f0fcc15ae7213ccee90bb899b5a70"],
  [[["\u00ad"], ["\u3000"]], "d370ac2a58bee18a3ebd75a082a95014c96d4204"],
  [[[""], [""]], "57f0f10bbb89e2914db123c065e3319da26385c2"],
];

test("strings are printed as Python prints them", () => {
  for (const [text, expected] of printed) assert.equal(pythonRepr(text), expected);
});

test("a model's name is the sha1 of its sequence as Python prints it", () => {
  for (const [sequence, sha1] of hashes) {
    assert.equal(modelName(sequence), `MODEL|${sha1}`, JSON.stringify(sequence));
  }
});

test("one symbol or none makes no model", () => {
  for (const sequence of [[], [[]], [["a"]], [[], ["a"], []]]) assert.equal(modelName(sequence), "");
});
