import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { Classifier } from "../../../services/simulator/memory/classifier.ts";
import type { Change, Journal } from "../../../services/simulator/memory/journal.ts";
import { noJournal, openJournal } from "../../../services/simulator/memory/journal.ts";
import { Knowledge, modelJson } from "../../../services/simulator/memory/knowledge.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const persistence = 3;

function stateOf(knowledge: Knowledge): object {
  return {
    models: [...knowledge.models.values()].map(modelJson),
    symbols: [...knowledge.symbols],
    vectors: [...knowledge.vectors],
    totals: { ...knowledge.totals },
  };
}

type Act = (knowledge: Knowledge) => void;

const name = fc.constantFrom("m1", "m2", "m3", "__proto__");
const emotives = fc.dictionary(fc.constantFrom("joy", "fear", "__proto__"), fc.integer({ min: -2, max: 2 }));
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(name, emotives).map(
    ([model, values]): Act =>
      (knowledge) => {
        const known = knowledge.models.get(model);
        if (known && !Array.isArray(known.emotives) && Object.keys(values).length > 0) return;
        knowledge.learnModel(model, [[`of ${model}`, "é\n"], ["common"]], values);
      },
  ),
  fc.constantFrom("a", "b", "__proto__").map(
    (symbol): Act =>
      (knowledge) =>
        knowledge.countSymbol(symbol),
  ),
  fc.nat(9).map(
    (count): Act =>
      (knowledge) =>
        knowledge.countLearning(count),
  ),
  fc.tuple(name, fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))).map(
    ([vector, values]): Act =>
      (knowledge) =>
        knowledge.learnVector(
          vector,
          values.map((value) => value + 0),
        ),
  ),
  name.map(
    (model): Act =>
      (knowledge) => {
        if (knowledge.models.has(model)) knowledge.deleteModel(model);
      },
  ),
  fc.constant<Act>((knowledge) => knowledge.clear()),
);

test("everything that was written is there after a restart, whether the file was compacted or not", (t) => {
  const parent = temporaryFolder(t);
  let runs = 0;
  fc.assert(
    fc.property(fc.array(fc.array(act, { maxLength: 150 }), { maxLength: 4 }), (lives) => {
      const folder = join(parent, String(runs++));
      const immortal = new Knowledge(noJournal, persistence);
      for (const acts of [...lives, []]) {
        const knowledge = new Knowledge(openJournal(folder, "p1"), persistence);
        assert.deepEqual(stateOf(knowledge), stateOf(immortal));
        for (const perform of acts) {
          perform(knowledge);
          perform(immortal);
        }
        knowledge.close();
      }
    }),
    { numRuns: 60 },
  );
});

test("a torn last line is dropped, and a line that is written after it is kept", (t) => {
  const folder = temporaryFolder(t);
  const first = new Knowledge(openJournal(folder, "p1"), persistence);
  first.countSymbol("whole");
  first.close();
  const [file = ""] = readdirSync(folder);
  appendFileSync(join(folder, file), '{"put":"symbol","name":"to');
  const second = new Knowledge(openJournal(folder, "p1"), persistence);
  assert.deepEqual([...second.symbols], [["whole", 1]]);
  second.countSymbol("later");
  second.close();
  const third = new Knowledge(openJournal(folder, "p1"), persistence);
  assert.deepEqual(
    [...third.symbols],
    [
      ["whole", 1],
      ["later", 1],
    ],
  );
  third.close();
});

test("a file is compacted at the start when it has grown, and at no other time", (t) => {
  const folder = temporaryFolder(t);
  const lines = () => readFileSync(join(folder, "p1.jsonl"), "utf8").split("\n").length - 1;
  const first = new Knowledge(openJournal(folder, "p1"), persistence);
  for (let count = 0; count < 500; count++) first.countSymbol("a");
  assert.equal(lines(), 500);
  first.close();
  const second = new Knowledge(openJournal(folder, "p1"), persistence);
  assert.equal(lines(), 2);
  second.countSymbol("a");
  assert.equal(lines(), 3);
  second.close();
  assert.equal(new Knowledge(openJournal(folder, "p1"), persistence).symbols.get("a"), 501);
});

test("two processors in one folder have files of their own, whatever their ids", (t) => {
  const folder = temporaryFolder(t);
  const one = new Knowledge(openJournal(folder, "../p"), persistence);
  one.countSymbol("a");
  one.close();
  const other = new Knowledge(openJournal(folder, "p"), persistence);
  assert.equal(other.symbols.size, 0);
  other.close();
  assert.deepEqual(readdirSync(folder).sort(), ["..%2Fp.jsonl", "p.jsonl"]);
});

test("a change is in the journal before it can be seen, and a change that fails is never seen", () => {
  const written: Change[] = [];
  const failing: Journal = {
    ...noJournal,
    append: (change) => {
      if (written.length === 2) throw new Error("disk full");
      written.push(change);
    },
  };
  const knowledge = new Knowledge(failing, persistence);
  knowledge.learnModel("m", [["a"], ["b"]], {});
  knowledge.countSymbol("a");
  assert.throws(() => knowledge.countSymbol("b"), /disk full/);
  assert.deepEqual([...knowledge.symbols], [["a", 1]]);
  assert.deepEqual(
    written.map((change) => ("put" in change ? change.put : "delete")),
    ["model", "symbol"],
  );
});

test("a model keeps the last averages of its emotives that are not 0, up to the persistence", () => {
  const knowledge = new Knowledge(noJournal, persistence);
  for (const joy of [1, 2, 0, 4]) knowledge.learnModel("m", [["a"], ["b"]], { joy });
  assert.deepEqual(knowledge.models.get("m")?.emotives, [{ joy: 2 }, {}, { joy: 4 }]);
  knowledge.learnModel("m", [["a"], ["b"]], {});
  assert.equal(knowledge.models.get("m")?.frequency, 5);
  assert.deepEqual(knowledge.models.get("m")?.emotives, [{ joy: 2 }, {}, { joy: 4 }]);
});

test("a model that was learned without emotives cannot be learned with any", () => {
  const knowledge = new Knowledge(noJournal, persistence);
  knowledge.learnModel("m", [["a"], ["b"]], {});
  assert.throws(() => knowledge.learnModel("m", [["a"], ["b"]], { joy: 1 }), /must be an array/);
  assert.equal(knowledge.models.get("m")?.frequency, 1);
});

test("the three nearest learned vectors join the symbol of the sum", () => {
  const knowledge = new Knowledge(noJournal, persistence);
  const classifier = new Classifier(knowledge);
  const names = [[0], [10], [11], [12], [30]].map((vector) => classifier.classify([vector])[0] ?? "");
  classifier.learn();
  assert.equal(knowledge.vectors.size, 5);
  const [zero, ten, eleven, twelve] = names;
  assert.deepEqual(new Set(classifier.classify([[5], [6]])), new Set([ten, eleven, twelve]));
  assert.deepEqual(new Set(classifier.classify([[1]])).size, 4);
  assert.ok(classifier.classify([[1]]).includes(zero ?? ""));
});

test("a vector that was learned n times takes n of the three places, until a restart", () => {
  const knowledge = new Knowledge(noJournal, persistence);
  const classifier = new Classifier(knowledge);
  for (const vector of [[0], [0], [0], [1], [2]]) classifier.classify([vector]);
  classifier.learn();
  assert.equal(classifier.classify([[0]]).length, 1);
  assert.equal(new Classifier(knowledge).classify([[0]]).length, 3);
});

test("a Learn does not learn the vectors of an earlier Learn again", () => {
  const classifier = new Classifier(new Knowledge(noJournal, persistence));
  classifier.classify([[0]]);
  for (let learns = 0; learns < 3; learns++) classifier.learn();
  for (const vector of [[1], [2]]) classifier.classify([vector]);
  classifier.learn();
  assert.equal(classifier.classify([[0]]).length, 3);
});

test("vectors of one number fit any other, and vectors of different lengths fail", () => {
  const classifier = new Classifier(new Knowledge(noJournal, persistence));
  assert.equal(classifier.classify([[1], [1, 2, 3]])[0], classifier.classify([[2, 3, 4]])[0]);
  assert.throws(
    () =>
      classifier.classify([
        [1, 2],
        [1, 2, 3],
      ]),
    /operands could not be broadcast together with shapes \(2,\) \(3,\)/,
  );
  for (const vector of [["1"], [null], [Number.NaN], [Number.POSITIVE_INFINITY], [[1]], [true]]) {
    assert.throws(() => classifier.classify([vector]), /no list of numbers/);
  }
});
