import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import type { CheckpointBucket } from "../../../services/worker/checkpoint/checkpoint-store.ts";
import { CheckpointStore } from "../../../services/worker/checkpoint/checkpoint-store.ts";
import { LeaseLost, NatsAway } from "../../../services/worker/model/interruptions.ts";
import { wrongRevision } from "./crash-schedules/environment.ts";

/** A bucket in memory, whose writes a test can have fail. */
class Bucket {
  /** Called with the key before and after a write is carried out. If it throws, the writer gets no answer. */
  beforeWrite: (key: string) => void = () => {};
  afterWrite: (key: string) => void = () => {};
  readonly #entries = new Map<string, { revision: number; value: Buffer }>();
  #revision = 0;

  get = async (key: string) => {
    const entry = this.#entries.get(key);
    if (!entry) return null;
    const { revision, value } = entry;
    const string = () => value.toString();
    return { revision, value, operation: "PUT" as const, string, json: <T>(): T => JSON.parse(string()) };
  };

  put = (key: string, value: Uint8Array | string) =>
    this.update(key, value, this.#entries.get(key)?.revision ?? 0);

  update = async (key: string, value: Uint8Array | string, revision: number) => {
    this.beforeWrite(key);
    if ((this.#entries.get(key)?.revision ?? 0) !== revision) throw wrongRevision();
    this.#entries.set(key, { revision: ++this.#revision, value: Buffer.from(value) });
    this.afterWrite(key);
    return this.#revision;
  };

  keys = async (filter: string) => {
    const keys = this.keysOf(filter);
    return (async function* () {
      yield* keys;
    })();
  };

  remove = async (filter: string) => {
    for (const key of this.keysOf(filter)) this.#entries.delete(key);
  };

  /** The keys below a subject that ends with `>`. */
  keysOf(filter: string): string[] {
    return [...this.#entries.keys()].filter((key) => key.startsWith(filter.slice(0, -1)));
  }
}

const storeOf = (bucket: CheckpointBucket & Pick<Bucket, "remove">) =>
  new CheckpointStore(bucket, "p1", { held: true }, bucket.remove);

const noAnswer = () => {
  throw new Error("no answer");
};

/** One that is written in two parts. */
function largeCheckpoint(applied: number, symbol: string): Checkpoint {
  const at = { sequence: applied, step: 0 };
  return { ...firstCheckpoint, applied, vectorEvents: [{ at, symbols: [symbol.repeat(300_000)] }] };
}

/** A store that has saved a checkpoint, and then got no answer to the next write: before or after it was carried out. */
async function withoutAnswer(
  when: "beforeWrite" | "afterWrite",
): Promise<{ bucket: Bucket; store: CheckpointStore }> {
  const bucket = new Bucket();
  const store = storeOf(bucket);
  await store.save({ ...firstCheckpoint, applied: 1 });
  bucket[when] = noAnswer;
  await assert.rejects(store.save({ ...firstCheckpoint, applied: 2 }), NatsAway);
  bucket[when] = () => {};
  return { bucket, store };
}

test("a write that was carried out and got no answer is not taken for another worker's", async () => {
  const { bucket, store } = await withoutAnswer("afterWrite");
  await store.save({ ...firstCheckpoint, applied: 3 });
  assert.equal((await storeOf(bucket).load())?.applied, 3);
});

test("a write of another worker is not taken for one of its own that got no answer (A5)", async () => {
  const { bucket, store } = await withoutAnswer("beforeWrite");
  const next = storeOf(bucket);
  await next.load();
  await next.save({ ...firstCheckpoint, epoch: "next", applied: 1 });
  await assert.rejects(store.save({ ...firstCheckpoint, applied: 3 }), LeaseLost);
  assert.equal((await storeOf(bucket).load())?.epoch, "next");
});

test("a crash between the parts of a large checkpoint leaves the one before as it was (A5)", async () => {
  const bucket = new Bucket();
  const before = largeCheckpoint(1, "a");
  const store = storeOf(bucket);
  await store.save(before);
  bucket.beforeWrite = (key) => {
    if (key.endsWith(".1")) noAnswer();
  };
  await assert.rejects(store.save(largeCheckpoint(2, "b")), NatsAway);
  assert.deepEqual(await storeOf(bucket).load(), before);
});

test("a large checkpoint leaves no parts of the one before it in the bucket", async () => {
  const bucket = new Bucket();
  const store = storeOf(bucket);
  await store.save(largeCheckpoint(1, "a"));
  await store.save(largeCheckpoint(2, "b"));
  assert.deepEqual(
    bucket.keysOf("p1.>").map((key) => key.split(".").at(-1)),
    ["0", "1"],
  );
});

test("the checkpoint of an older version is used, and what that did not know is as at the beginning", async () => {
  const bucket = new Bucket();
  const degraded = "a Learn was torn by a crash, and its model deleted";
  await bucket.put("p1", JSON.stringify({ epoch: "", applied: 7, interval: 9, degraded }));
  assert.deepEqual(await storeOf(bucket).load(), {
    ...firstCheckpoint,
    applied: 7,
    interval: 9,
    degradations: [{ code: "learn-torn", since: 0, detail: degraded }],
  });
});
