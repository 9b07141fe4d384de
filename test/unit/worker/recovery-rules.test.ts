import assert from "node:assert/strict";
import { after, test } from "node:test";
import { modelName } from "../../../libs/kato/model-name.ts";
import { autoLearnAt, command, deleteModel, observe, raiseThreshold } from "./crash-schedules/every-fault.ts";
import { EveryFaultThread } from "./crash-schedules/every-fault-thread.ts";

const learn = command("Learn");
const thread = new EveryFaultThread();
after(() => thread.close());

test("an interval never means two things, though a rebuild and a restart move it", () =>
  thread.withEveryFault([observe(["a"]), observe(["b"]), learn, observe(["c"]), observe(["d"])], {
    again: ["both", "worker"],
  }));

test("an interval of 0 may be a restart, whatever was expected", () =>
  thread.withEveryFault([command("StopPredicting"), command("ClearAllMemory"), observe(["a"])], {
    again: ["both"],
  }));

test("an Observe of the gateway's own is told from the log's, also where its write was not answered", () =>
  thread.withEveryFault([observe(["a"]), observe(["b"])], {
    first: ["unseen"],
    again: ["worker"],
    within: 25,
    isNew: true,
  }));

test("what an unseen Observe did is asked once it is over: it may have failed", () =>
  thread.withEveryFault([observe(["a"]), observe([], { vectors: [[1, 2]] }), observe(["b"]), learn], {
    again: ["worker"],
  }));

test("an empty Observe that may still be running is waited for, so that it sets off no auto-learn", async () => {
  const history = [observe(["a"]), observe(["b"]), autoLearnAt(2), observe(["c"])];
  for (let seed = 1; seed <= 20; seed++) {
    // The third Observe is the log's second one, and the fourth is the worker's own that waits for it.
    const breaks = [3, 4].map((point) => ({ at: "Observe ticked", point, kind: "unseen" as const }));
    await thread.withFaults(history, breaks, seed);
  }
});

test("what failed is persisted before anything else is called, so nobody takes it for done", () =>
  thread.withEveryFault([deleteModel("MODEL|none"), observe(["a"]), observe(["b"]), learn, observe(["c"])], {
    again: ["both"],
  }));

test("a torn model is found and deleted, and the Learn repeated", () =>
  thread.withEveryFault([observe(["a"]), observe(["b"]), learn, observe(["a"]), observe(["c"]), learn], {
    again: ["mongo", "instance"],
  }));

test("a Learn that failed is given back its events before anybody is told", () =>
  thread.withEveryFault([observe(["a"], { emotives: { joy: 1 } }), observe(["b"]), learn, observe(["c"])], {
    again: ["instance", "worker"],
  }));

test("a Learn of nothing drops the emotives, also when its end was not seen", () =>
  thread.withEveryFault([observe([], { emotives: { joy: 3 } }), learn, observe(["a"])], {
    again: ["worker"],
  }));

test("an auto-learn that other Observes have followed has succeeded", () =>
  thread.withEveryFault([autoLearnAt(3), observe(["a"]), observe(["b"]), observe(["c"]), observe(["d"])], {
    again: ["worker", "both"],
  }));

test("an auto-learn of vectors is proved by the event that it has kept, and not by one of before", () =>
  thread.withEveryFault([
    autoLearnAt(2),
    observe(["b"]),
    observe([], { vectors: [[1, 2]] }),
    observe([], { vectors: [[7]] }),
    observe(["c"]),
  ]));

test("wherever the instance dies in an auto-learn of vectors, the model is found, although other symbols stand for the vectors by then", async () => {
  const vector = (value: number) => observe([], { vectors: [[value]] });
  const known = [0, 10, 30, 60].map(vector);
  const history = [autoLearnAt(2), ...known, observe(["b"], { vectors: [[20]] }), observe(["a"])];
  for (const at of ["model-written", "symbol-written", "symbols-written", "learned", "observed"]) {
    // Before the fourth Learn are those of the known vectors, and before the sixth Observe one of the worker's.
    const die = { at: `Observe ${at}`, point: at === "observed" ? 6 : 4, kind: "instance" as const };
    const last = await thread.withFaults(history, [die]);
    assert.notEqual(last, 0, "its outcome is known");
    for (let point = last - 160; point < last; point += 11) {
      const again = { point, kind: point % 2 > 0 ? "both" : "worker" } as const;
      assert.notEqual(await thread.withFaults(history, [die, again]), 0, `and after a crash at ${point}`);
    }
  }
});

test("an Observe that was refused without a call is not replayed", () =>
  thread.withEveryFault([autoLearnAt(2), observe(["a"]), observe(["b"]), observe(["c"]), observe(["d"])], {
    first: ["mongo"],
    again: ["both"],
    within: 12,
  }));

test("vectors that wait for a Learn are observed again through a clear, and those in working memory by their symbols", () =>
  thread.withEveryFault(
    [
      observe([], { vectors: [[1]] }),
      observe([], { vectors: [[5]] }),
      command("ClearWorkingMemory"),
      observe([], { vectors: [[9]] }),
      observe(["b"]),
      learn,
      observe([], { vectors: [[4]] }),
    ],
    { again: ["instance"] },
  ));

test("a rebuild that is interrupted goes on where it was, and waits for what may be running of it", async () => {
  const history = [observe([], { vectors: [[3]] }), observe(["a"]), observe(["b"])];
  const last = await thread.withFaults(history, []);
  for (let seed = 1; seed <= 40; seed++) {
    // Before the Observes of the rebuild come one of the worker's own and three of the log.
    for (let observed = 5; observed <= 8; observed++) {
      const unseen = { at: "Observe ticked", point: observed, kind: "unseen" } as const;
      await thread.withFaults(history, [{ point: last, kind: "instance" }, unseen], seed);
    }
  }
});

test("the empty Observe that waits for one of a rebuild sets off no auto-learn", async () => {
  const history = [observe(["a"]), observe(["b"]), autoLearnAt(2)];
  const last = await thread.withFaults(history, []);
  for (let point = last - 8; point <= last; point++) {
    for (let later = 10; later <= 50; later++) {
      const again = { point: point + later, kind: "worker" } as const;
      await thread.withFaults(history, [{ point, kind: "instance" }, again]);
    }
  }
});

test("a mark outlives a rebuild: a DeleteModel that is sent again after it took effect has succeeded", () =>
  thread.withEveryFault(
    [observe(["a"]), observe(["b"]), learn, deleteModel(modelName([["a"], ["b"]])), observe(["c"])],
    { again: ["worker"] },
  ));

test("a change of the recall threshold is made once, also where the Observe after it proves it", () =>
  thread.withEveryFault([observe(["a"]), raiseThreshold, observe(["b"]), observe(["c"])], {
    again: ["both"],
  }));

test("a crash before anything was applied adopts the instance once", async () => {
  for (let point = 1; point <= 60; point++) {
    for (const later of [5, 15, 30]) {
      await thread.withFaults(
        [observe(["a"])],
        [
          { point, kind: "worker" },
          { point: point + later, kind: "both" },
        ],
      );
    }
  }
});

test("an instance that a worker puts to sleep when it wakes up too late is woken up again", async () => {
  const history = [observe(["a"]), command("StartSleeping"), command("StopSleeping"), observe(["b"])];
  await thread.withFaults(history, [{ at: "before StartSleeping", point: 1, kind: "sleep" }]);
});
