import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { NatsAway } from "../../../services/worker/model/interruptions.ts";
import type { ProcessorStores } from "../../../services/worker/processor/processor-environment.ts";
import type { World } from "./crash-schedules/world.ts";
import { applied, codes, goBack, makeAnew, started, store } from "./damaged-world.ts";
import { OneProcessor, observe, stored } from "./one-processor.ts";

/** The first number behind a loss. */
const movedTo = 1_000_000_001;

/** The logs, of which none can be looked at while NATS is away. */
function logsOf({ logs }: ProcessorStores, isAway: () => boolean): ProcessorStores["logs"] {
  return {
    ...logs,
    ensure: async (...log) => {
      if (isAway()) throw new NatsAway("no answer");
      return logs.ensure(...log);
    },
  };
}

const letters = (commands: readonly StoredCommand[]) => commands.map(({ sequence }) => sequence);

test("a log that has lost its tail goes on above every number that was used, and this is told", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"]), observe(3, ["c"])]);
  goBack(world, 1);
  const next = await started(world);
  assert.equal(world.lastStored + 1, movedTo);
  assert.deepEqual(codes(next.checkpoint), ["log-lost"]);
  assert.match(next.slot.state.degraded, /lost the commands 2 to 3/);
  store(world, "d");
  await next.untilApplied(movedTo);
  assert.deepEqual(world.instance.events, [["a"], ["b"], ["c"], ["d"]]);
});

test("what was accepted under old numbers after a loss is applied once, in order", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"]), observe(3, ["c"])]);
  goBack(world, 1);
  store(world, "d", "e", "f");
  const next = new OneProcessor([], undefined, world);
  void next.slot.start();
  await next.until("all is applied", () => world.instance.events.length === 6);
  assert.deepEqual(world.instance.events.flat(), ["a", "b", "c", "d", "e", "f"]);
  assert.deepEqual(codes(next.checkpoint), ["log-lost"]);
});

test("the numbers go on above the used ones once a rebuild does not need what stands in the log", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"]), observe(3, ["c"])]);
  goBack(world, 0);
  store(world, "d");
  const next = new OneProcessor([], undefined, world);
  void next.slot.start();
  await next.untilApplied(1);
  assert.deepEqual(letters(world.log), [1]);
  world.store(stored(2, "Learn", {}));
  await next.until("it has moved", () => world.lastStored + 1 === movedTo);
  await next.untilApplied(movedTo - 1);
  assert.equal([...world.instance.kept.models.values()][0]?.events.flat().join(), "a,b,c,d");
});

test("what was applied before the numbers go on is known to whoever comes after", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"]), observe(3, ["c"])]);
  goBack(world, 0);
  store(world, "d");
  const dying: OneProcessor = new OneProcessor(
    [],
    ({ stores }) => ({
      stores: {
        ...stores,
        identity: {
          ...stores.identity,
          continueAt: async (...log) => {
            const hasMoved = await stores.identity.continueAt(...log);
            dying.life.isDead = true;
            return hasMoved;
          },
        },
      },
    }),
    world,
  );
  void dying.slot.start();
  await dying.untilApplied(1);
  world.store(stored(2, "Learn", {}));
  await dying.until("its worker has died", () => dying.life.isDead);
  const next = await started(world);
  assert.deepEqual(codes(next.checkpoint), ["log-lost"]);
});

test("a log that was deleted and made anew has only new commands", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"])]);
  makeAnew(world);
  store(world, "c", "d", "e");
  const next = await started(world);
  await next.until("all is applied", () => world.instance.events.length === 5);
  assert.deepEqual(world.instance.events.flat(), ["a", "b", "c", "d", "e"]);
});

test("a log that was made anew before it had a command is taken, also where nobody saw that it was named", async () => {
  const first = new OneProcessor([]);
  const { world } = first;
  // Older versions name a log that has no command yet.
  world.logId = "log 0";
  await first.start();
  await first.slot.stop();
  makeAnew(world);
  const unanswered = new OneProcessor(
    [],
    ({ stores }) => ({
      stores: {
        ...stores,
        identity: {
          ...stores.identity,
          name: async (...log) => {
            await stores.identity.name(...log);
            throw new NatsAway("no answer");
          },
        },
      },
    }),
    world,
  );
  void unanswered.slot.start();
  await unanswered.until("it is ready", () => unanswered.slot.state.state === "ready");
  await unanswered.slot.stop();
  store(world, "a");
  const next = await started(world);
  assert.equal(next.slot.state.state, "ready");
  assert.deepEqual(world.instance.events, [["a"]]);
});

test("a loss of what was not applied yet leaves the instance as it is", async () => {
  const world = await applied([observe(1, ["a"])]);
  const paused = new OneProcessor([], undefined, world);
  paused.slot.setPaused(true);
  void paused.slot.start();
  store(world, "b", "c", "d");
  await paused.until("it has seen them", () => paused.slot.state.last === 4);
  await paused.pass(1_000);
  await paused.slot.stop();
  goBack(world, 2);
  const next = await started(world);
  await next.until("all is applied", () => world.instance.events.length === 2);
  assert.deepEqual(codes(next.checkpoint), ["log-lost"]);
  assert.match(next.slot.state.degraded, /lost the commands 3 to 4/);
  assert.deepEqual(world.instance.events, [["a"], ["b"]]);
});

test("a command that is missing before it was applied is told, and the next ones are applied", async () => {
  const world = await applied([observe(1, ["a"])]);
  store(world, "b", "c");
  world.log = world.log.filter(({ sequence }) => sequence !== 2);
  const next = await started(world);
  await next.untilApplied(3);
  assert.deepEqual(codes(next.checkpoint), ["commands-lost"]);
  assert.match(next.slot.state.degraded, /the last time command 2/);
  assert.deepEqual(world.instance.events, [["a"], ["c"]]);
  assert.equal((await next.slot.cancel(2)).outcome, "expired");
});

/** The log has lost the second of three commands, and the instance has one more than the checkpoint says. */
async function withHoleThatMayBeApplied(): Promise<World> {
  const world = await applied([observe(1, ["a"])]);
  store(world, "b", "c");
  world.instance.interval++;
  world.log = world.log.filter(({ sequence }) => sequence !== 2);
  return world;
}

test("a missing command that the instance may have holds the processor", async () => {
  const world = await withHoleThatMayBeApplied();
  const next = await started(world);
  assert.equal(next.slot.state.state, "held");
  assert.match(next.slot.state.reason, /command 2 is lost/);
  assert.ok(!world.story.some((line) => line.includes("is down")), "its instance can be reached");
});

test("the command that was in hand when its processor was held is applied once somebody has decided (A2)", async () => {
  const world = await withHoleThatMayBeApplied();
  const next = await started(world);
  await next.pass(10_000);
  const adopted = await next.slot.rebuild({ dryRun: false, adopt: { applied: 2 } });
  assert.deepEqual(adopted, { kind: "adopted", applied: 2 });
  await next.untilApplied(3);
  assert.deepEqual(world.instance.events, [["a"], ["c"]]);
});

test("a log without its checkpoint is not applied to an instance until somebody decides", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"])]);
  world.bucket.clear();
  store(world, "c");
  const next = await started(world);
  await next.pass(10_000);
  assert.equal(next.slot.state.state, "held");
  assert.deepEqual(world.instance.events, [["a"], ["b"]]);
  assert.equal((await next.slot.rebuild({ dryRun: false })).kind, "held");
  assert.deepEqual(await next.slot.rebuild({ dryRun: false, adopt: { applied: 4 } }), {
    kind: "no-such-place",
    first: 0,
    last: 3,
  });
  const adopted = await next.slot.rebuild({ dryRun: false, adopt: { applied: 2 } });
  assert.deepEqual(adopted, { kind: "adopted", applied: 2 });
  await next.untilApplied(3);
  assert.deepEqual(world.instance.events, [["a"], ["b"], ["c"]]);
  assert.deepEqual(codes(next.checkpoint), ["adopted"]);
});

test("a held processor can be cleared and given its log again", async () => {
  const world = await applied([
    observe(1, ["a"]),
    observe(2, ["b"]),
    stored(3, "Learn", {}),
    observe(4, ["c"]),
  ]);
  world.bucket.clear();
  const next = await started(world);
  const asked = { from: 1, dryRun: true };
  const survey = { from: 1, through: 4, commands: 4, observes: 3, learns: 1 };
  assert.deepEqual(await next.slot.rebuild(asked), { kind: "surveyed", survey });
  assert.deepEqual(await next.slot.rebuild({ ...asked, dryRun: false }), { kind: "replaying", survey });
  await next.until("it is replayed", () => next.slot.state.state === "ready");
  assert.deepEqual(world.instance.events, [["c"]]);
  assert.deepEqual(codes(next.checkpoint), [], "it is exactly what the log says");
  assert.deepEqual(
    [...world.instance.kept.models.values()].map(({ frequency }) => frequency),
    [1],
  );
});

test("a worker that takes over a held processor holds it too", async () => {
  const world = await applied([observe(1, ["a"])]);
  world.bucket.clear();
  const first = await started(world);
  await first.slot.stop();
  const next = await started(world);
  assert.equal(next.slot.state.state, "held");
});

test("a checkpoint bucket that was deleted while the worker runs is written anew", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  const { world } = processor;
  await processor.pass(1_000);
  world.bucket.clear();
  store(world, "b");
  await processor.untilApplied(2);
  await processor.pass(1_000);
  assert.equal(JSON.parse(world.bucket.get("p1")?.value ?? "{}").applied, 2);
});

test("a worker that has persisted more than NATS has says that NATS went back", async () => {
  const processor = new OneProcessor([observe(1, ["a"])]);
  await processor.start();
  await processor.pass(1_000);
  const { world, environment } = processor;
  const older = new Map(world.bucket);
  store(world, "b", "c");
  await processor.untilApplied(3);
  await processor.slot.stop();
  goBack(world, 1);
  for (const [key, entry] of older) world.bucket.set(key, entry);
  world.revision = Math.max(...[...older.values()].map(({ revision }) => revision));
  const next = new OneProcessor([], () => ({ remembered: environment.remembered }), world);
  void next.slot.start();
  await next.until("it is ready", () => next.slot.state.state === "ready");
  assert.deepEqual(codes(next.checkpoint), ["store-went-back"]);
  store(world, "d");
  await next.until("it is applied", () => world.instance.events.length === 4);
  assert.deepEqual(world.instance.events.flat(), ["a", "b", "c", "d"]);
  assert.equal(next.checkpoint?.foreign.ticks, 0);
});

test("nothing is reconciled by a log that was made anew while nobody read it and NATS was away", async () => {
  const world = await applied([observe(1, ["a"]), observe(2, ["b"])]);
  let isAway = false;
  const next: OneProcessor = new OneProcessor(
    [],
    ({ stores }) => ({
      stores: {
        ...stores,
        logs: {
          ...logsOf(stores, () => isAway),
          // NATS is lost before the log is read.
          read: (...log) => {
            const reader = stores.logs.read(...log);
            if (next.calls.length > 0 || isAway) return reader;
            isAway = true;
            const pending = () => Promise.reject(new NatsAway("no answer"));
            return {
              pending,
              commands: () => reader.commands(),
              close: () => reader.close(),
              isClosed: false,
            };
          },
        },
      },
    }),
    world,
  );
  void next.slot.start();
  await next.until("NATS is away", () => isAway);
  makeAnew(world);
  store(world, "c");
  world.restartInstance();
  await next.pass(5_000);
  isAway = false;
  await next.until("the new command is applied", () => next.checkpoint?.applied === 1);
  await next.pass(2_000);
  assert.deepEqual(world.instance.events, [["c"]]);
  assert.ok(codes(next.checkpoint)?.includes("log-lost"));
});

test("a log has an id before its first command is applied, and none without one", async () => {
  const processor = new OneProcessor([]);
  const { world } = processor;
  await processor.start();
  await processor.pass(1_000);
  assert.equal(world.logId, undefined);
  const namedBefore: boolean[] = [];
  processor.onCall = (method) => {
    if (method === "Observe") namedBefore.push(world.logId !== undefined);
    return undefined;
  };
  store(world, "a");
  await processor.untilApplied(1);
  assert.deepEqual(namedBefore, [true]);
  assert.equal(processor.checkpoint?.log?.id, world.logId);
});

test("nor is what a late call has done mended by such a log", async () => {
  let isAway = false;
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])], ({ stores }) => ({
    stores: {
      ...stores,
      logs: logsOf(stores, () => isAway),
    },
  }));
  const { world, slot } = processor;
  await processor.start();
  isAway = true;
  // Whoever is asked for a command that nobody has read looks at the log again.
  await slot.cancel(99);
  await processor.pass(1_000);
  makeAnew(world);
  store(world, "c");
  const call = { at: null, method: "Observe", begunMs: 0, endedMs: 0, end: "response" };
  slot.heard({ processor: "p1", worker: "another worker", calls: [call] });
  await processor.pass(3_000);
  isAway = false;
  await processor.until("the new command is applied", () => processor.checkpoint?.applied === 1);
  await processor.pass(5_000);
  // The late call is mended once the loss is known, by a rebuild of what the log still has.
  assert.deepEqual(world.instance.events, [["c"]]);
  assert.ok(codes(processor.checkpoint)?.includes("log-lost"));
});

test("an instance whose log has lost commands is adopted also where this could not be persisted at once", async () => {
  let failures = 0;
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])], ({ stores }) => ({
    stores: {
      ...stores,
      checkpoints: {
        load: () => stores.checkpoints.load(),
        get revision() {
          return stores.checkpoints.revision;
        },
        save: async (checkpoint) => {
          if (checkpoint.usedThrough > 0 && failures++ === 0) throw new NatsAway("no answer");
          return stores.checkpoints.save(checkpoint);
        },
      },
    },
  }));
  const { world, slot, calls } = processor;
  await processor.start();
  goBack(world, 1);
  const before = calls.length;
  await slot.cancel(99);
  await processor.until("the loss is told", () => codes(processor.checkpoint)?.includes("log-lost") === true);
  await processor.pass(2_000);
  assert.ok(failures > 0);
  assert.ok(calls.slice(before).includes("GetGene"), "it was asked for what it has");
});
