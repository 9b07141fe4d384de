import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import {
  changeRecallThresholdMethod,
  encodeRecallThresholdChange,
} from "../../../libs/kato/compound-commands.ts";
import { modelName } from "../../../libs/kato/model-name.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import {
  atFirst,
  failed,
  OneProcessor,
  observe,
  setGenes,
  stored,
  tooLarge,
  unseen,
} from "./one-processor.ts";

const client = { replyTo: "client" };
const model = modelName([["a"], ["b"]]);

/** A processor whose instance carries out the first call of a method, and whose answer is lost. */
function losing(method: Method, history: StoredCommand[], within = ""): OneProcessor {
  const processor = new OneProcessor(history);
  processor.onCall = atFirst(
    method,
    (request) => {
      processor.carryOut(method, request);
      return unseen;
    },
    within,
  );
  return processor;
}

test("the answer to a Learn that is found learned names its model", async () => {
  const processor = losing("Learn", [observe(1, ["a"]), observe(2, ["b"]), stored(3, "Learn", {}, client)]);
  await processor.start();
  const [reply] = processor.repliesTo("client");
  assert.equal(reply?.outcome, "applied");
  assert.equal(decodeResponse("Learn", reply?.data ?? new Uint8Array()).message, model);
  assert.equal(processor.world.instance.kept.models.get(model)?.frequency, 1);
});

test("a Learn of a known model that was not begun is made, and not taken for the one of before (A3)", async () => {
  const twice = [1, 4].flatMap((first) => [
    observe(first, ["a"]),
    observe(first + 1, ["b"]),
    stored(first + 2, "Learn", {}),
  ]);
  const processor = new OneProcessor(twice);
  let learns = 0;
  processor.onCall = (method) => (method === "Learn" && ++learns === 2 ? unseen : undefined);
  await processor.start();
  assert.equal(processor.world.instance.kept.models.get(model)?.frequency, 2);
});

test("a Learn of nothing that may have been begun is repeated, although it is late (A7)", async () => {
  const late = { ...client, deadlineMs: 1_100_000 };
  const processor = losing("Learn", [stored(1, "Learn", {}, late)]);
  const { onCall, world } = processor;
  processor.onCall = (method, request) => {
    if (method === "Learn") world.clock.nowMs = late.deadlineMs + 1;
    return onCall(method, request);
  };
  void processor.slot.start();
  await processor.until("it is told", () => processor.repliesTo("client").length > 0);
  assert.equal(processor.repliesTo("client")[0]?.outcome, "applied");
});

test("an auto-learn that is found learned names its model, also where it has kept no event", async () => {
  const length = setGenes(1, { max_sequence_length: 1 });
  const processor = losing("Observe", [length, observe(2, ["a", "b"], client)], "o2");
  await processor.start();
  const [reply] = processor.repliesTo("client");
  assert.deepEqual([reply?.outcome, reply?.autoLearnedModel], ["applied", modelName([["a", "b"]])]);
  assert.equal(processor.checkpoint?.events, 0);
});

test("an auto-learn that has lost its events is told as failed, and a restart does not bring them back (A5)", async () => {
  const length = setGenes(1, { max_sequence_length: 2 });
  const processor = new OneProcessor([length, observe(2, ["a"]), observe(3, ["b"], client)]);
  const { instance } = processor.world;
  processor.onCall = atFirst(
    "Observe",
    () => {
      instance.interval++;
      instance.events = [];
      return unseen;
    },
    "o3",
  );
  await processor.start();
  const [reply] = processor.repliesTo("client");
  assert.deepEqual(
    [reply?.outcome, reply?.detail],
    ["failed", "the auto-learn failed and KATO has dropped its events"],
  );
  await processor.restartInstance();
  assert.deepEqual(instance.events, []);
});

test("an auto-learn of vectors of which nothing shows whether it goes on is told as unknown (A7)", async () => {
  const vector = stored(3, "Observe", { vectors: [[1]], unique_id: "o3" }, client);
  const processor = new OneProcessor([setGenes(1, { max_sequence_length: 2 }), observe(2, ["a"]), vector]);
  processor.onCall = atFirst(
    "Observe",
    () => {
      processor.world.instance.interval++;
      return unseen;
    },
    "o3",
  );
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "unknown");
  assert.deepEqual(
    processor.checkpoint?.degradations.map(({ code }) => code),
    ["auto-learn-unknown"],
  );
});

test("an Observe that has just ticked is given a moment to make its event before it is judged (A7)", async () => {
  // KATO learns nothing from a single symbol, so only working memory shows what became of it.
  const history = [setGenes(1, { max_sequence_length: 1 }), observe(2, ["a"], client)];
  const processor = new OneProcessor(history);
  const { instance, clock } = processor.world;
  let isTicked = false;
  processor.onCall = (method, request) => {
    // It fails as soon as it has made its event, before it would learn.
    if (method === "Ping" && isTicked) {
      clock.after({ isDead: false }, 30, () => {
        instance.events = [["a"]];
      });
    }
    if (method !== "Observe" || !Buffer.from(request).includes("o2")) return undefined;
    instance.interval++;
    isTicked = true;
    return unseen;
  };
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  assert.equal(processor.checkpoint?.events, 1);
});

test("an Observe that has ticked and made no event is told as failed (A7)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"], client), observe(3, ["c"])]);
  const { instance } = processor.world;
  processor.onCall = atFirst(
    "Observe",
    () => {
      instance.interval++;
      return unseen;
    },
    "o2",
  );
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  assert.deepEqual(instance.events, [["a"], ["c"]]);
});

test("an Observe whose failure was answered is told as failed, although its event is there (A7)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"], client)]);
  const { instance } = processor.world;
  let lost = 0;
  processor.onCall = (method, request) => {
    // It is asked for because the Observe has failed.
    if (method === "GetWorkingMemory" && instance.events.length === 2 && lost++ === 0) return unseen;
    if (method !== "Observe" || !Buffer.from(request).includes("o2")) return undefined;
    processor.carryOut(method, request);
    return failed(method, instance.interval);
  };
  await processor.start();
  assert.equal(lost > 0, true);
  assert.equal(processor.repliesTo("client")[0]?.outcome, "failed");
  assert.equal(processor.checkpoint?.events, 2);
});

test("an Observe behind a working memory that cannot be read is judged by its size, and unknown where that tells nothing (A7)", async () => {
  for (const [extra, outcome] of [
    [[], "applied"],
    [[["x", "y"]], "unknown"],
  ] as const) {
    const processor = losing("Observe", [observe(1, ["a"]), observe(2, ["b"], client)], "o2");
    const { onCall, world } = processor;
    processor.onCall = (method, request) => {
      if (method === "GetWorkingMemory" && world.instance.events.length > 1) return tooLarge;
      const result = onCall(method, request);
      if (result) world.instance.events = [...world.instance.events, ...extra.map((event) => [...event])];
      return result;
    };
    await processor.start();
    assert.equal(processor.repliesTo("client")[0]?.outcome, outcome);
  }
});

test("a DeleteModel that took effect is told as a success when it is repeated (A7)", async () => {
  const processor = losing("DeleteModel", [
    observe(1, ["a"]),
    observe(2, ["b"]),
    stored(3, "Learn", {}),
    stored(4, "DeleteModel", { name: model }, client),
  ]);
  await processor.start();
  assert.equal(processor.repliesTo("client")[0]?.outcome, "applied");
  assert.equal(processor.calls.filter((method) => method === "DeleteModel").length, 2);
});

test("a change of the recall threshold that is repeated is made once (A3)", async () => {
  const data = encodeRecallThresholdChange({ increment: 0.1 });
  const change = { id: "c1", processor: "p1", sequence: 1, method: changeRecallThresholdMethod, data };
  const processor = losing("IncrementRecallThreshold", [change]);
  await processor.start();
  assert.equal(processor.world.instance.searched, 0.2);
});

test("the tick of an auto-learn is not taken for somebody else's where a question after its answer is lost (A3)", async () => {
  const event = stored(2, "Observe", { strings: ["a"], vectors: [[5]], unique_id: "o2" }, client);
  const processor = new OneProcessor([setGenes(1, { max_sequence_length: 1 }), event]);
  processor.onCall = atFirst("GetCognitionData", () => unseen);
  await processor.start();
  assert.equal(processor.checkpoint?.foreign.ticks, 0);
  assert.deepEqual(
    [...processor.world.instance.kept.models.values()].map(({ frequency }) => frequency),
    [1],
  );
});
