import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { RoomState } from "../../../libs/nats/store-room.ts";
import { CommandRoom } from "../../../services/gateway/fleet/command-room.ts";
import { LogSizes } from "../../../services/gateway/fleet/log-sizes.ts";
import { until } from "../../fixtures/until.ts";

const data = new Uint8Array(100);

/** Whether there is room for a command; if not, the code of the refusal. */
function answerOf(room: CommandRoom, method: string, isResent = false): string {
  try {
    room.check({ processor: "p1", method, data, isResent }, { processor: "p1", effect: "none" });
    return "taken";
  } catch (error) {
    const { code, context } = GatewayError.from(error);
    assert.equal(context.effect, "none");
    assert.ok(context.retryAfterSeconds);
    return code;
  }
}

test("while the storage is short only what makes room is taken, and nothing once it is spent", () => {
  let state: RoomState = "ample";
  const bytes = { usedBytes: 0, capacityBytes: undefined, reserveBytes: undefined };
  const store = {
    ...bytes,
    stateWith: () => state,
    wrote: () => {},
    ask: async () => {},
    close: () => {},
  };
  const room = new CommandRoom(store, {
    size: async () => ({ bytes: 0, maxBytes: Number.POSITIVE_INFINITY }),
  });
  const answers = () =>
    ["Observe", "Learn", "ClearWorkingMemory", "ClearAllMemory", "DeleteModel"].map((m) => answerOf(room, m));
  for (state of ["ample", "tight"] as const) assert.ok(answers().every((answer) => answer === "taken"));
  state = "short";
  assert.deepEqual(answers(), ["STORE_FULL", "taken", "taken", "taken", "taken"]);
  assert.equal(answerOf(room, "Observe", true), "taken", "a dead letter that is sent again");
  state = "spent";
  assert.ok(answers().every((answer) => answer === "STORE_FULL"));
});

test("a log that is nearly full takes only what makes room, also counting what was just stored", async () => {
  const size = { bytes: 900, maxBytes: 1_000 };
  const sizes = new LogSizes({ size: async () => size });
  assert.equal(sizes.isFull("p1", 100), false, "not known yet");
  await sizes.ask("p1");
  assert.equal(sizes.isFull("p1", 40), false);
  assert.equal(sizes.isFull("p1", 60), true, "the last twentieth is kept");
  sizes.wrote("p1", 30);
  assert.equal(sizes.isFull("p1", 40), true);
  size.bytes = 10;
  await sizes.ask("p1");
  assert.equal(sizes.isFull("p1", 40), false);
});

test("a log is asked for its size again once much was stored, and otherwise not", async () => {
  let asked = 0;
  const sizes = new LogSizes({
    size: async () => {
      asked++;
      return { bytes: 0, maxBytes: 1_600 };
    },
  });
  await sizes.ask("p1");
  for (let count = 0; count < 10; count++) sizes.isFull("p1", 1);
  assert.equal(asked, 1);
  sizes.wrote("p1", 101);
  sizes.isFull("p1", 1);
  assert.equal(asked, 2);
});

test("who asks for a log's size gets one that has all that was stored before", async () => {
  const answers: (() => void)[] = [];
  let bytes = 0;
  const sizes = new LogSizes({
    size: () => {
      const size = { bytes, maxBytes: 1_000 };
      return new Promise((resolve) => answers.push(() => resolve(size)));
    },
  });
  void sizes.ask("p1");
  await until("the first question is under way", () => answers.length === 1);
  bytes = 900;
  const known = sizes.ask("p1");
  answers[0]?.();
  await until("it is asked once more", () => answers.length === 2);
  answers[1]?.();
  await known;
  assert.equal(sizes.isFull("p1", 100), true);
});

test("a log that cannot be asked counts as having room", async () => {
  const sizes = new LogSizes({ size: () => Promise.reject(new Error("no NATS")) });
  await sizes.ask("p1");
  assert.equal(sizes.isFull("p1", 1_000_000), false);
});
