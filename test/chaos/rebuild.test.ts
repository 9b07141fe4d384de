import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../fixtures/until.ts";
import type { ChaosSystem } from "./harness/chaos-system.ts";
import { insistOn, startChaosSystem } from "./harness/chaos-system.ts";
import { snapshotOf } from "./harness/snapshot.ts";

type Request = [path: string, body?: unknown];

const observe = (...strings: string[]): Request => ["/observe", { strings }];
const genes = (data: object): Request => ["/genes/change", { data }];

/** The commands before each crash of the instance. Each history begins where the one before has ended. */
const histories: Record<string, Request[]> = {
  "working memory, in order": [observe("b", "a"), observe("c"), observe("c")],
  "what was learned, once": [
    ["/learn"],
    observe("a", "b"),
    observe("c"),
    observe("c"),
    ["/learn"],
    observe("a"),
  ],
  emotives: [
    ["/observe", { strings: ["d"], emotives: { joy: 3 } }],
    ["/observe", { emotives: { joy: 2, fear: 7 } }],
  ],
  "vectors that are not learned yet, through a clear": [
    ["/observe", { vectors: [[1, 2, 3]] }],
    ["/clear-working-memory"],
    ["/observe", { vectors: [[4, 5, 6]], strings: ["x"] }],
  ],
  "symbols of learned vectors": [["/learn"], ["/observe", { vectors: [[1, 2, 4]] }]],
  "genes, and the threshold that is searched with": [
    genes({ persistence: 4, max_sequence_length: 9 }),
    ["/gene/increment-recall-threshold", { increment: 0.3 }],
    ["/clear-working-memory"],
    observe("c"),
  ],
  "the event that an auto-learn has kept": [
    genes({ max_sequence_length: 2 }),
    observe("e"),
    genes({ max_sequence_length: 0 }),
    observe("a"),
  ],
  "an auto-learn that is one event away": [
    ["/learn"],
    genes({ max_sequence_length: 3 }),
    observe("a"),
    observe("e"),
  ],
  "predicting off": [["/stop-predicting"], observe("b")],
  sleep: [["/sleep"], observe("a")],
  "nothing after a clear of everything": [["/clear-all-memory"]],
};

test("an instance that was killed is given back what it had", async (t) => {
  const system = await startChaosSystem(t, { workers: 1 });
  for (const [name, history] of Object.entries(histories)) {
    await t.test(name, async () => {
      // On a busy machine an instance may seem down for a moment although it is there.
      for (const [path, body] of history) await insistOn(system, `/p1${path}`, body);
      const before = await stateOf(system);
      await system.simulator.kill();
      await system.simulator.restart();
      await until(
        "it is reconciled",
        async () => (await system.request("GET", "/p1/working-memory")).status === 200,
      );
      assert.deepEqual(await stateOf(system), before);
    });
  }
});

/** Everything that can be asked of an instance, except what docs/recovery.md names as leftovers. */
async function stateOf(system: ChaosSystem): Promise<object> {
  const { instance } = system;
  const { emotives } = await instance.status();
  const persistence = await instance.data("GetGene", { gene: "persistence" });
  const interval = (await system.request("GET", "/p1/time")).json.message;
  const workingMemory = await instance.workingMemory();
  // Predictions from before a Learn or a clear are leftovers.
  const predictions = workingMemory.length > 0 ? await instance.predictions() : [];
  return { ...(await snapshotOf(instance, [])), emotives, persistence, interval, predictions };
}
