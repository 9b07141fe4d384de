import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { encodeSequence, sequenceMethod } from "../../../libs/kato/compound-commands.ts";
import { NatsAway } from "../../../services/worker/model/interruptions.ts";
import type { Position } from "../../../services/worker/model/position.ts";
import { LogHistory } from "../../../services/worker/processor/log-history.ts";

const request = new Uint8Array();
const steps = ["Observe", "Learn", "Observe"].map((method) => ({ method, request }));
const log: StoredCommand[] = [3, 4, 6].map((sequence) => ({
  id: `c${sequence}`,
  processor: "p1",
  sequence,
  method: sequenceMethod,
  data: encodeSequence(steps),
  ingestion: `i${sequence}`,
}));

const prepared: (string | undefined)[] = [];
const counter = {
  prepare: ({ ingestion }: Pick<StoredCommand, "ingestion">) => {
    prepared.push(ingestion);
    return undefined;
  },
};

async function* range(_processor: string, from: number, through: number): AsyncGenerator<StoredCommand> {
  yield* log.filter(({ sequence }) => sequence >= from && sequence <= through);
}

async function placesOf(history: LogHistory, from: Position, through: number): Promise<string[]> {
  const places: string[] = [];
  for await (const { at } of history.steps(from, through)) places.push(`${at.sequence}.${at.step}`);
  return places;
}

test("the log is read by steps, from a step on, and each command is prepared to be counted", async () => {
  let isInDoubt = false;
  const history = new LogHistory("p1", { readRange: range, first: async () => 3 }, counter, () => isInDoubt);
  assert.deepEqual(await placesOf(history, { sequence: 3, step: 2 }, 4), ["3.2", "4.0", "4.1", "4.2"]);
  assert.deepEqual(prepared, ["i3", "i4"]);
  assert.equal((await placesOf(history, { sequence: 4, step: 0 }, 100)).length, 6);
  assert.equal(await history.firstKept(), 3);
  isInDoubt = true;
  await assert.rejects(placesOf(history, { sequence: 3, step: 0 }, 4), NatsAway);
});

test("a log that cannot be read has whoever reads it wait for NATS", async () => {
  const away = () => Promise.reject(new Error("no answer"));
  const history = new LogHistory(
    "p1",
    {
      async *readRange() {
        yield* [];
        await away();
      },
      first: away,
    },
    counter,
    () => false,
  );
  await assert.rejects(placesOf(history, { sequence: 1, step: 0 }, 9), NatsAway);
  await assert.rejects(history.firstKept(), NatsAway);
});
