import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Backend } from "../../../services/gateway/fleet/backend.ts";
import { ProcessorStates } from "../../../services/gateway/fleet/processor-states.ts";
import { processorView } from "../../../services/gateway/routes/processors/processor-view.ts";
import { idleState } from "../../fixtures/idle-state.ts";

const idle: ProcessorState = { ...idleState, applied: 5, last: 5, interval: 5, drainRate: 10 };

/** The states as a gateway has them, and a worker that reports. */
function gatewayAndWorker(clock = { nowMs: 0, close: () => {} }) {
  let tell: Parameters<ConstructorParameters<typeof ProcessorStates>[0]["subscribe"]>[1]["callback"] =
    () => {};
  const states = new ProcessorStates(
    {
      subscribe: (_subject, { callback }) => {
        tell = callback;
        return { unsubscribe: () => {} };
      },
    },
    clock,
  );
  const report = (changes: Partial<ProcessorState>) =>
    tell(null, { json: <T>() => ({ ...idle, ...changes }) as T });
  return { states, report };
}

test("an answered command does not wait any more, although no report says so yet", () => {
  const { states, report } = gatewayAndWorker();
  report({});
  for (const sequence of [6, 7, 8, 9, 10]) states.stored("p1", sequence);
  assert.equal(states.queue("p1")?.depth, 5);
  states.answered("p1", { sequence: 9, interval: 9 });
  assert.equal(states.queue("p1")?.depth, 1);
  states.answered("p1", { sequence: 10, interval: 10 });
  const { depth, oldestMs } = states.queue("p1") ?? {};
  assert.deepEqual([depth, oldestMs], [0, 0]);
  const { applied, last, interval } = states.get("p1") ?? idle;
  assert.deepEqual([applied, last, interval], [10, 10, 10]);
});

test("an instance that has answered is not away, until a later report says that it is", () => {
  const { states, report } = gatewayAndWorker();
  for (const state of ["down", "rebuilding"] as const) {
    report({ state, reason: "its instance cannot be reached" });
    states.answered("p1", { sequence: 0, interval: 5 });
    assert.deepEqual([states.get("p1")?.state, states.get("p1")?.reason], ["applying", ""]);
    report({ state, reason: "again" });
    assert.equal(states.get("p1")?.state, state);
  }
});

test("what has ended before a replay counts as waiting while it is done once more", () => {
  const { states, report } = gatewayAndWorker();
  report({ state: "rebuilding", applied: 1 });
  states.passed("p1", 4);
  assert.equal(states.queue("p1")?.depth, 4);
});

test("an answer says nothing of a processor whose worker has never reported", () => {
  const { states } = gatewayAndWorker();
  states.answered("p1", { sequence: 3, interval: 3 });
  assert.equal(states.get("p1"), undefined);
});

test("while a worker loads a checkpoint, what was told of the processor before still holds", () => {
  const { states, report } = gatewayAndWorker();
  const opening = { applied: 0, last: 0, interval: 0, worker: "w2", opening: "checkpoint" } as const;
  report({ state: "paused", settled: true, degraded: "something" });
  report({ ...opening, state: "rebuilding", since: 7 });
  const { applied, last, interval, degraded, worker, state, since, settled } = states.get("p1") ?? idle;
  assert.deepEqual([applied, last, interval, degraded], [5, 5, 5, "something"]);
  assert.deepEqual([worker, state, since, settled], ["w2", "rebuilding", 7, undefined]);
  assert.equal(states.applied("p1"), 5);
});

test("what is applied is not known while a worker loads the checkpoint of a processor that nobody has told of", () => {
  const { states, report } = gatewayAndWorker();
  assert.equal(states.applied("p1"), undefined);
  report({ applied: 0, last: 0, state: "rebuilding", opening: "checkpoint" });
  assert.equal(states.applied("p1"), undefined);
  report({ state: "rebuilding", opening: "instance" });
  assert.equal(states.applied("p1"), 5);
});

test("a processor is healthy once its worker has found its instance there", () => {
  const { states, report } = gatewayAndWorker();
  const entry = { id: "p1", name: "P1", grpc_endpoint: "p1:1441", source: "rest" } as const;
  const view = () => {
    const { healthy, state, applied, depth } = processorView({ states } as unknown as Backend, entry);
    return [healthy, state, applied, depth];
  };
  report({ applied: 0, last: 0, state: "rebuilding", opening: "checkpoint" });
  assert.deepEqual(view(), [false, "rebuilding", null, null]);
  report({ state: "rebuilding", opening: "instance" });
  assert.deepEqual(view(), [false, "rebuilding", 5, 0]);
  report({ state: "rebuilding" });
  assert.deepEqual(view(), [true, "rebuilding", 5, 0]);
});

test("a worker that is silent for three seconds in which this gateway ran does not run the processor", () => {
  const clock = { nowMs: 10_000, close: () => {} };
  const { states, report } = gatewayAndWorker(clock);
  report({});
  clock.nowMs += 2_900;
  assert.equal(states.isUnowned("p1"), false);
  clock.nowMs += 200;
  assert.equal(states.isUnowned("p1"), true);
  report({});
  assert.equal(states.isUnowned("p1"), false);
});
