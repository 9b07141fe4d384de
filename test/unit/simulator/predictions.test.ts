import assert from "node:assert/strict";
import { test } from "node:test";
import type { Observation } from "../../../libs/kato/messages.ts";
import { defaultManifest } from "../../../services/simulator/manifest.ts";
import { noJournal } from "../../../services/simulator/memory/journal.ts";
import { Knowledge } from "../../../services/simulator/memory/knowledge.ts";
import { Processor } from "../../../services/simulator/processor.ts";

// The expected figures were calculated in Python, with its difflib, by the definitions in docs/kato.md.

function newProcessor(manifest: Partial<typeof defaultManifest> = {}): Processor {
  return new Processor({ ...defaultManifest, ...manifest }, new Knowledge(noJournal, 5), 0, () => {});
}

async function observe(processor: Processor, ...events: string[][]): Promise<void> {
  for (const strings of events) await processor.observe({ unique_id: "u", strings });
}

async function learn(processor: Processor, events: string[][], more: Observation = {}): Promise<void> {
  for (const strings of events) await processor.observe({ unique_id: "u", strings, ...more });
  await processor.learn();
}

test("the predictions of two models come by falling potential; one has emotives, one was learned twice", async () => {
  const processor = newProcessor();
  await learn(processor, [["a", "b"], ["c"], ["d"]]);
  await learn(processor, [["c"], ["b"], ["e"]], { emotives: { joy: 1 } });
  await learn(processor, [["a", "b"], ["c"], ["d"]]);
  await observe(processor, ["c"], ["b", "aa"]);
  assert.deepEqual(processor.predictions, [
    {
      type: "prototypical",
      name: "f365aba8fac411760689781ada551f9537f87843",
      frequency: 1,
      emotives: { joy: 1 },
      matches: ["c", "b"],
      past: [],
      present: [["c"], ["b"]],
      future: [["e"]],
      missing: [],
      extras: ["aa"],
      similarity: 0.6666666666666666,
      evidence: 0.6666666666666666,
      confidence: 1,
      snr: 0.6,
      fragmentation: 1,
      itfdf_similarity: 1,
      entropy: 1.022437700682,
      hamiltonian: 0.430676558073,
      grand_hamiltonian: 0.440339949774,
      confluence: 0.308539944904,
      potential: 2.5,
    },
    {
      type: "prototypical",
      name: "d31a36e9ce0eb82e3ec5e48ff40e4861474db5a1",
      frequency: 2,
      emotives: {},
      matches: ["b"],
      past: [],
      present: [["a", "b"]],
      future: [["c"], ["d"]],
      missing: ["a"],
      extras: ["c", "aa"],
      similarity: 0.2857142857142857,
      evidence: 0.25,
      confidence: 0.5,
      snr: 0,
      fragmentation: 0,
      itfdf_similarity: 0.72556560361,
      entropy: 0.958388235548,
      hamiltonian: 0.430676558073,
      grand_hamiltonian: 0.412755346584,
      confluence: 0.633608815427,
      potential: 1.72556560361,
    },
  ]);
});

test("a match that begins and ends within events makes whole events the present", async () => {
  const processor = newProcessor();
  await learn(processor, [["p"], ["a", "b", "c"], ["d", "e"], ["f"]]);
  await observe(processor, ["b"], ["d"]);
  const { past, present, future, missing, matches } = processor.predictions?.[0] ?? {};
  assert.deepEqual(
    [past, present, future],
    [
      [["p"]],
      [
        ["a", "b", "c"],
        ["d", "e"],
      ],
      [["f"]],
    ],
  );
  assert.deepEqual(
    [missing, matches],
    [
      ["a", "c", "e"],
      ["b", "d"],
    ],
  );
});

test("an event before the match joins the present if it has the first matched symbol too", async () => {
  const processor = newProcessor();
  await learn(processor, [["a"], ["a"], ["b"]]);
  await observe(processor, ["a", "b"]);
  const [prediction] = processor.predictions ?? [];
  assert.deepEqual(prediction?.past, []);
  assert.deepEqual(prediction?.present, [["a"], ["a"], ["b"]]);
  assert.equal(prediction?.confidence, 0.6666666666666666);
  assert.equal(prediction?.hamiltonian, 1.308270834535);
  assert.equal(prediction?.potential, 3.282016631384);
});

test("a symbol that is in no candidate's present has no weight in the state", async () => {
  const processor = newProcessor();
  await learn(processor, [["a"], ["b"]]);
  await observe(processor, ["b"], ["a"]);
  assert.deepEqual(processor.predictions?.[0]?.extras, ["b"]);
  assert.equal(processor.predictions?.[0]?.itfdf_similarity, 1);
});

test("a model is predicted from the recall threshold on, and not below it", async () => {
  const processor = newProcessor({ recall_threshold: 0.5 });
  await learn(processor, [["a"], ["b"], ["c"]]);
  await observe(processor, ["a"]);
  assert.equal(processor.predictions?.[0]?.similarity, 0.5);
  await observe(processor, ["x"]);
  assert.deepEqual(processor.predictions, []);
});

test("the predictions with the highest potential are kept, max_predictions of them", async () => {
  const processor = newProcessor({ max_predictions: 2 });
  for (const tail of ["x", "y", "z"]) await learn(processor, [["a"], [tail]]);
  await observe(processor, ["a"], ["z"]);
  const predictions = processor.predictions ?? [];
  assert.equal(predictions.length, 2);
  assert.deepEqual(predictions[0]?.present, [["a"], ["z"]]);
  assert.ok(Number(predictions[0]?.potential) > Number(predictions[1]?.potential));
});

test("a model that is learned, deleted or cleared while working memory has events is found, or is found no longer", async () => {
  const processor = newProcessor();
  await learn(processor, [["a"], ["b"]]);
  await observe(processor, ["a"]);
  assert.equal(processor.predictions?.length, 1);
  processor.knowledge.deleteModel("76d7efca2e96cb5eeddf4e06ac96a0f424630135");
  await observe(processor, ["b"]);
  assert.deepEqual(processor.predictions, []);
  processor.knowledge.learnModel("again", [["a"], ["b"]], {});
  await observe(processor, ["q"]);
  const names: unknown[] | undefined = processor.predictions?.map(({ name }) => name);
  assert.deepEqual(names, ["again"]);
});

test("an Observe takes no longer with a long working memory that shares no symbol with a model", async () => {
  const processor = newProcessor();
  await learn(processor, [["a"], ["b"]]);
  let symbolsRead = 0;
  const models = processor.knowledge.modelsWith.bind(processor.knowledge);
  processor.knowledge.modelsWith = (symbol) => {
    symbolsRead++;
    return models(symbol);
  };
  for (let at = 0; at < 100; at++) await observe(processor, [`unknown-${at}`]);
  assert.equal(symbolsRead, 100);
});
