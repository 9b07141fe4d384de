import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changeRecallThresholdMethod,
  encodeRecallThresholdChange,
} from "../../../libs/kato/compound-commands.ts";
import { NatsAway } from "../../../services/worker/model/interruptions.ts";
import { ReplayRequest } from "../../../services/worker/processor/replay-request.ts";
import { failed, goOn, OneProcessor, observe, setGenes, stored } from "./one-processor.ts";

test("a replay of a paused processor is refused at once", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  processor.slot.setPaused(true);
  assert.deepEqual(await processor.slot.rebuild({ from: 1, dryRun: false }), { kind: "paused" });
});

test("two who ask for a replay at the same time are both answered", async () => {
  const request = new ReplayRequest();
  const asked = [request.ask(3), request.ask(5)];
  assert.equal(request.from, 3);
  request.end({ kind: "not-kept", first: 7 });
  assert.deepEqual(await Promise.all(asked), [
    { kind: "not-kept", first: 7 },
    { kind: "not-kept", first: 7 },
  ]);
  assert.equal(request.from, undefined);
});

test("nobody is told that a replay will not be where NATS may have stored that it will (A7)", async () => {
  let isAnswering = true;
  const processor = new OneProcessor([observe(1, ["a"])], ({ stores }) => ({
    stores: {
      ...stores,
      checkpoints: {
        ...stores.checkpoints,
        load: () => stores.checkpoints.load(),
        save: async (checkpoint) => {
          await stores.checkpoints.save(checkpoint);
          if (!isAnswering && checkpoint.replaying) {
            isAnswering = true;
            throw new NatsAway("no answer");
          }
        },
      },
    },
  }));
  await processor.start();
  isAnswering = false;
  let answer: object | undefined;
  void processor.slot.rebuild({ from: 1, dryRun: false }).then((told) => {
    answer = told;
  });
  await processor.until("it is cleared for it", () => processor.calls.includes("ClearAllMemory"));
  await processor.untilApplied(1);
  await goOn();
  assert.deepEqual(processor.world.instance.events, [["a"]]);
  assert.equal(answer, undefined);
});

test("after a rebuild by hand that failed halfway the instance is rebuilt before anything is applied (A5)", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  const { slot, world } = processor;
  processor.onCall = (method, request) => {
    if (method === "Observe" && Buffer.from(request).includes("o1")) slot.setPaused(true);
    return undefined;
  };
  void slot.start();
  await processor.untilApplied(1);
  processor.onCall = (method) => {
    const isCleared = world.instance.events.length === 0 && method !== "ClearWorkingMemory";
    return isCleared ? failed(method, world.instance.interval) : undefined;
  };
  assert.deepEqual(await slot.rebuild({ dryRun: false }), { kind: "away" });
  assert.deepEqual(world.instance.events, []);
  processor.onCall = () => undefined;
  slot.setPaused(false);
  await processor.untilApplied(2);
  assert.deepEqual(world.instance.events, [["a"], ["b"]]);
});

test("the reply of a command that did not arrive is given again to whoever asks", async () => {
  const client = { replyTo: "client", deadlineMs: 1_000_000_000_000 };
  const processor = new OneProcessor([stored(1, "StopSleeping", {}, client)]);
  await processor.start();
  const [sent] = processor.repliesTo("client");
  assert.deepEqual(await processor.slot.cancel(1), sent);
});

test("while a processor is being opened nobody is told that a command was not begun (A7)", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  void processor.slot.start();
  assert.equal((await processor.slot.cancel(1)).outcome, "unknown");
});

test("a replay has each command that was applied, also one whose deadline has passed since (A2)", async () => {
  const waitedFor = observe(1, ["a"], { replyTo: "client", deadlineMs: 1_010_000 });
  const processor = new OneProcessor([waitedFor, observe(2, ["b"])]);
  await processor.start();
  await processor.pass(20_000);
  assert.equal((await processor.slot.rebuild({ from: 1, dryRun: false })).kind, "replaying");
  await processor.until("it is replayed", () => processor.slot.state.state === "ready");
  assert.deepEqual(processor.world.instance.events, [["a"], ["b"]]);
  assert.equal(processor.repliesTo("client").length, 1);
});

test("a command that is replayed is neither counted nor told again", async () => {
  let concluded = 0;
  const history = [observe(1, ["a"], { replyTo: "client" }), observe(2, ["b"], { store: true })];
  const processor = new OneProcessor(history, ({ telemetry }) => ({
    telemetry: { ...telemetry, metrics: { ...telemetry.metrics, concluded: () => concluded++ } },
  }));
  await processor.start();
  await processor.slot.rebuild({ from: 1, dryRun: false });
  await processor.until("it is replayed", () => processor.slot.state.state === "ready");
  assert.deepEqual(processor.world.instance.events, [["a"], ["b"]]);
  assert.equal(concluded, 2);
  assert.equal(processor.repliesTo("client").length, 1);
});

test("what was told that it is not begun is not begun after a replay that was asked for meanwhile (A2, A7)", async () => {
  const keyed = observe(2, ["b"], { once: { fingerprint: "f", attempt: "a" }, store: true });
  let told: string | undefined;
  const processor = new OneProcessor([observe(1, ["a"]), keyed, observe(3, ["c"])], ({ stores }) => ({
    stores: {
      ...stores,
      outcomes: {
        record: (command, reply, lease) => stores.outcomes.record(command, reply, lease),
        claim: async (command) => {
          if (told === undefined) {
            told = (await processor.slot.cancel(2)).outcome;
            void processor.slot.rebuild({ from: 1, dryRun: false });
          }
          return stores.outcomes.claim(command);
        },
      },
    },
  }));
  await processor.start();
  assert.equal(told, "expired");
  assert.ok(processor.calls.includes("ClearAllMemory"), "it is replayed");
  await processor.until("it is replayed", () => processor.slot.state.state === "ready");
  assert.deepEqual(processor.world.instance.events, [["a"], ["c"]]);
});

test("a replay from the beginning begins with the settings that the instance was adopted with (A5)", async () => {
  const data = encodeRecallThresholdChange({ increment: 0.1 });
  const change = { id: "c3", processor: "p1", sequence: 3, method: changeRecallThresholdMethod, data };
  const processor = new OneProcessor([observe(1, ["a"]), setGenes(2, { persistence: 9 }), change]);
  const { instance } = processor.world;
  instance.genes.persistence = 7;
  const settings: unknown[] = [];
  processor.onCall = (method, request) => {
    if (method === "Observe" && Buffer.from(request).includes("o1")) {
      settings.push([instance.genes.persistence, instance.searched]);
    }
    return undefined;
  };
  await processor.start();
  assert.deepEqual([instance.genes.persistence, instance.searched], [9, 0.2]);
  await processor.slot.rebuild({ from: 1, dryRun: false });
  await processor.until("it is replayed", () => processor.slot.state.state === "ready");
  assert.deepEqual(settings, [
    [7, 0.1],
    [7, 0.1],
  ]);
  assert.deepEqual([instance.genes.persistence, instance.searched], [9, 0.2]);
});

test("a rebuild by hand that is exact takes back that working memory differed", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  const { instance } = processor.world;
  await processor.start();
  // From now on KATO makes no event of it.
  processor.onCall = (method) => {
    if (method !== "Observe") return undefined;
    instance.interval++;
    return failed(method, instance.interval);
  };
  await processor.restartInstance();
  assert.equal(processor.checkpoint?.degradations[0]?.code, "working-memory-differs");
  const answer = await processor.slot.rebuild({ dryRun: false });
  assert.equal(answer.kind === "rebuilt" && answer.degraded, "");
  assert.deepEqual(processor.checkpoint?.degradations, []);
});

test("behind a replay nothing counts as lost that was taken out of the log before it (A2)", async () => {
  const expired = observe(2, ["b"], { replyTo: "client", deadlineMs: 1 });
  const first = new OneProcessor([observe(1, ["a"]), expired]);
  const { world } = first;
  await first.start();
  first.onCall = (method, request) => {
    if (method !== "Observe") return undefined;
    const text = Buffer.from(request).toString();
    // What comes behind the replay ticks before it is persisted that the replay is over.
    if (text.includes("o1")) world.store(observe(3, ["c"]));
    if (!text.includes("o3")) return undefined;
    first.carryOut(method, request);
    first.life.isDead = true;
    return undefined;
  };
  void first.slot.rebuild({ from: 1, dryRun: false });
  await first.until("the worker has died", () => first.life.isDead);
  assert.equal(first.persisted?.replaying?.through, 1);
  const next = first.nextLife();
  await next.start();
  assert.deepEqual(world.instance.events, [["a"], ["c"]]);
});

test("a replay whose last command was applied is over, also where the worker has died right behind that", async () => {
  const first = new OneProcessor([observe(1, ["a"])]);
  const { world } = first;
  await first.start();
  await first.slot.stop();
  const left = { ...first.persisted, replaying: { through: 1, isCleared: true }, degraded: "" };
  world.bucket.set("p1", { revision: ++world.revision, value: JSON.stringify(left) });
  const next = new OneProcessor([], undefined, world);
  void next.slot.start();
  await next.until("it is ready", () => next.slot.state.state === "ready");
  assert.equal(next.checkpoint?.replaying, null);
});
