import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName } from "../../../libs/kato/model-name.ts";
import { OneProcessor, observe, setGenes, stored, tooLarge, unseen } from "./one-processor.ts";

const model = modelName([["a"], ["b"]]);

/**
 * A processor whose first Learn stops at a place, with its answer lost. It goes on so long after the worker
 * has asked what there is. The Observe behind it has emotives, which a Learn drops when it ends.
 */
function withSlowLearn(place: string, ms: number): OneProcessor {
  const last = stored(4, "Observe", { strings: ["c"], emotives: { joy: 1 }, unique_id: "o4" });
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"]), stored(3, "Learn", {}), last]);
  const { instance, clock } = processor.world;
  let goOn = () => {};
  processor.onCall = (method, request) => {
    if (method === "Ping") goOn();
    if (method !== "Learn" || instance.events.length === 0) return undefined;
    const running = instance.call(method, request);
    for (let step = running.next(); !step.done && step.value.name !== place; ) step = running.next();
    goOn = () => void clock.after({ isDead: false }, ms, () => void Array.from(running));
    return unseen;
  };
  return processor;
}

for (const [place, ms, what] of [
  ["emptied", 1_000, "a Learn that has written nothing yet is waited for, and not sent again (A3)"],
  [
    "model-written",
    30,
    "a Learn that has written its model is given a moment to end before the next call (A1)",
  ],
] as const) {
  test(what, async () => {
    const processor = withSlowLearn(place, ms);
    const { instance } = processor.world;
    await processor.start();
    await processor.pass(ms);
    assert.deepEqual([instance.events, instance.emotives], [[["c"]], [1]]);
    assert.equal(instance.kept.models.get(model)?.frequency, 1);
    assert.equal(processor.calls.filter((method) => method === "Learn").length, 1);
    assert.deepEqual(processor.checkpoint?.degradations, []);
  });
}

test("an auto-learn in which KATO died, and whose model cannot be read, is unknown and leaves no event (A7)", async () => {
  const history = [
    setGenes(1, { max_sequence_length: 2 }),
    observe(2, ["a"]),
    observe(3, ["b"], { replyTo: "client" }),
  ];
  const processor = new OneProcessor(history);
  processor.onCall = (method, request) => {
    if (method === "GetModel") return tooLarge;
    if (method !== "Observe" || !Buffer.from(request).includes("o3")) return undefined;
    processor.carryOut(method, request);
    processor.world.restartInstance();
    return unseen;
  };
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "unknown");
  assert.deepEqual(
    processor.checkpoint?.degradations.map(({ code }) => code),
    ["auto-learn-unknown"],
  );
  assert.deepEqual([processor.checkpoint?.events, processor.checkpoint?.keptEvent], [0, null]);
  assert.deepEqual(processor.world.instance.events, []);
});
