import assert from "node:assert/strict";
import { test } from "node:test";
import { modelName } from "../../libs/kato/model-name.ts";
import { firstCheckpoint } from "../../services/worker/checkpoint.ts";
import type { LearnMark } from "../../services/worker/mark.ts";
import { planRebuild } from "../../services/worker/rebuild-plan.ts";
import { compareInterval } from "../../services/worker/reconcile.ts";
import { settleLearn } from "../../services/worker/settle.ts";
import {
  autoLearnAt,
  command,
  deleteModel,
  observe,
  raiseThreshold,
  withEveryFault,
  withFaults,
} from "./recovery/every-fault.ts";

const learn = command("Learn");

test("an interval never means two things, though a rebuild and a restart move it", () =>
  withEveryFault(
    [observe(["a"]), observe(["b"]), learn, observe(["c"]), observe(["d"])],
    ["both", "applier"],
  ));

test("an interval of 0 may be a restart, whatever was expected", async () => {
  assert.deepEqual(compareInterval(0, 0), { kind: "restarted" });
  await withEveryFault([command("StopPredicting"), command("ClearAllMemory"), observe(["a"])], ["both"]);
});

test("an Observe of the applier's own is told from the log's, even when both were not seen", () =>
  withEveryFault([observe(["a"]), observe(["b"])], ["unseen", "applier"], 20));

test("what an unseen Observe did is asked once it is over: it may have failed", () =>
  withEveryFault([observe(["a"]), observe([], { vectors: [[1, 2]] }), observe(["b"]), learn], ["applier"]));

test("what failed is persisted before anything else is called, so nobody takes it for done", () =>
  withEveryFault(
    [deleteModel("MODEL|none"), observe(["a"]), observe(["b"]), learn, observe(["c"])],
    ["both"],
  ));

test("a torn model is found and deleted, and the Learn repeated", () =>
  withEveryFault(
    [observe(["a"]), observe(["b"]), learn, observe(["a"]), observe(["c"]), learn],
    ["mongo", "instance"],
  ));

test("a Learn that failed is given back its events before anybody is told", () =>
  withEveryFault(
    [observe(["a"], { emotives: { joy: 1 } }), observe(["b"]), learn, observe(["c"])],
    ["instance", "applier"],
  ));

test("a Learn of nothing drops the emotives, also when its end was not seen", () =>
  withEveryFault([observe([], { emotives: { joy: 3 } }), learn, observe(["a"])], ["applier"]));

test("an auto-learn that other Observes have followed has succeeded", () =>
  withEveryFault(
    [autoLearnAt(3), observe(["a"]), observe(["b"]), observe(["c"]), observe(["d"])],
    ["applier", "both"],
  ));

test("an auto-learn of vectors is proved by the event that it has kept, and not by one of before", () =>
  withEveryFault([
    autoLearnAt(2),
    observe(["b"]),
    observe([], { vectors: [[1, 2]] }),
    observe([], { vectors: [[7]] }),
    observe(["c"]),
  ]));

test("an Observe that was refused without a call is not replayed", () =>
  withEveryFault(
    [autoLearnAt(2), observe(["a"]), observe(["b"]), observe(["c"]), observe(["d"])],
    ["both"],
    30,
  ));

test("vectors that wait for a Learn are observed again through a clear, and those in working memory by their symbols", () =>
  withEveryFault(
    [
      observe([], { vectors: [[1]] }),
      observe([], { vectors: [[5]] }),
      command("ClearWorkingMemory"),
      observe([], { vectors: [[9]] }),
      observe(["b"]),
      learn,
      observe([], { vectors: [[4]] }),
    ],
    ["instance"],
  ));

test("a rebuild that is interrupted goes on where it was, and what may be running of it is waited for", () =>
  withEveryFault([observe([], { vectors: [[3]] }), observe(["a"]), observe(["b"])], ["unseen", "both"], 24));

test("a DeleteModel that is sent again after it took effect has succeeded", () =>
  withEveryFault(
    [observe(["a"]), observe(["b"]), learn, deleteModel(modelName([["a"], ["b"]])), observe(["c"])],
    ["applier"],
  ));

test("a change of the recall threshold is made once, also where the Observe after it proves it", () =>
  withEveryFault([observe(["a"]), raiseThreshold, observe(["b"]), observe(["c"])], ["both"]));

test("a crash before anything was applied adopts the instance once", () =>
  withFaults(
    [observe(["a"])],
    [
      { point: 30, kind: "applier" },
      { point: 45, kind: "both" },
      { point: 60, kind: "both" },
    ],
  ));

test("a Learn of no events is repeated, one of events that are gone is not", () => {
  const mark: LearnMark = {
    kind: "learn",
    at: { sequence: 1, step: 0 },
    isObserve: false,
    before: [],
    events: [],
    model: "",
    frequency: 0,
  };
  const facts = { restarted: false, ticked: false, frequency: 0, workingMemory: [], kept: 0 };
  assert.equal(settleLearn(mark, facts), "not-begun");
  assert.equal(settleLearn({ ...mark, before: [["a"]], events: [["a"]] }, facts), "learned");
});

test("the event that an auto-learn has kept is predicted for, when it is the last", () => {
  const { predictAt } = planRebuild({ ...firstCheckpoint, keptEvent: ["a"], events: 1 }, []);
  assert.equal(predictAt, 0);
});
