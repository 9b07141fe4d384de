import assert from "node:assert/strict";
import { test } from "node:test";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { BucketView } from "../../../libs/nats/bucket-view.ts";
import { until } from "../../fixtures/until.ts";

const connection = {
  isClosed: () => false,
  status: async function* () {},
} as unknown as NatsConnection;

const entryOf = (key: string, revision: number, value: string) => ({
  ...{ key, revision, operation: "PUT" },
  json: () => value,
});
type Entry = ReturnType<typeof entryOf>;

/** A bucket with one key, whose watches tell what the test lets them tell. */
class WatchedBucket {
  revision = 1;
  readonly kept = new Map([["a", entryOf("a", 1, "first")]]);
  readonly watches: { tell: (entry: Entry) => void; stop: () => void }[] = [];

  async status() {
    return { values: this.kept.size, streamInfo: { created: "once", state: { last_seq: this.revision } } };
  }

  async get(key: string) {
    return this.kept.get(key) ?? null;
  }

  async put(key: string, text: string) {
    this.kept.set(key, entryOf(key, ++this.revision, JSON.parse(text)));
    return this.revision;
  }

  async delete(key: string) {
    this.kept.delete(key);
    this.revision++;
  }

  async watch() {
    let next = Promise.withResolvers<Entry | undefined>();
    const told: (Entry | undefined)[] = [];
    const put = (entry: Entry | undefined) => {
      told.push(entry);
      next.resolve(entry);
    };
    const stop = () => put(undefined);
    this.watches.push({ tell: put, stop });
    const entries = async function* () {
      while (true) {
        if (told.length === 0) await next.promise;
        next = Promise.withResolvers();
        const entry = told.shift();
        if (!entry) return;
        yield entry;
      }
    };
    return Object.assign(entries(), { stop });
  }
}

test("what this process has just written and removed is not forgotten when the bucket is read anew", async (t) => {
  const bucket = new WatchedBucket();
  const opening = BucketView.open<string>(bucket as unknown as KV, connection, (_, value) => String(value));
  await until("it is watched", () => bucket.watches.length === 1);
  bucket.watches[0]?.tell(entryOf("a", 1, "first"));
  const view = await opening;
  t.after(() => view.close());

  bucket.watches[0]?.stop();
  await until("it is watched anew", () => bucket.watches.length === 2);
  await view.change("b", () => "second");
  await view.change("a", () => undefined);
  bucket.watches[1]?.tell(entryOf("a", 1, "first"));
  await new Promise(setImmediate);
  assert.deepEqual([view.get("a"), view.get("b")], [undefined, "second"]);
});
