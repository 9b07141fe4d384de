import { JetStreamApiError } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Msg, Payload } from "@nats-io/transport-node";
import { nuid, TimeoutError } from "@nats-io/transport-node";
import { batchHeaders, maxBatchMessages } from "./batches.ts";
import type { BucketName } from "./buckets.ts";
import { keySubject } from "./buckets.ts";
import type { NatsLink } from "./connection.ts";
import { headersOf } from "./headers.ts";
import { answerTo, Inbox } from "./inbox.ts";
import { nextSending } from "./next-sending.ts";

/** A key that is to be written if it still has this revision. */
interface Update {
  key: string;
  value: Payload;
  revision: number;
}

/** An update that waits until others can be sent with it. */
interface GatheredUpdate extends Update {
  timeoutMs: number;
  resolve: (revision: number) => void;
  reject: (error: unknown) => void;
}

/** JetStream's answer to a publish. */
interface Answer {
  seq?: number;
  /** Of how many messages the batch was that it has stored. */
  count?: number;
  error?: { code: number; err_code: number; description: string };
}

type Link = Pick<NatsLink, "connection" | "inboxPrefix">;

const defaultTimeoutMs = 5_000;
/** JetStream's code for a batch to a stream that takes none. */
const batchesAreOff = 10174;
/**
 * The fewest updates that are stored together. A batch costs nats-server 1.7 ms of CPU and 20 µs for each update, and one
 * by one they are 10 µs each, or 110 where each is written to the disk at once (docs/decisions/0043).
 */
const fewestTogether = 50;

/**
 * Gives a bucket an `update` that costs a tenth of that of nats.js, for buckets whose keys are written by the thousand
 * a second. Whatever is updated within a few turns of the event loop goes to NATS in one piece. What it resolves to and
 * rejects with is the same: the new revision, a JetStreamApiError, or a TimeoutError. With revision 0 it writes a key that
 * is not there, which the one of nats.js refuses. The key has to be one that NATS takes as it is.
 */
export function withCheapUpdates(bucket: KV, name: BucketName, link: Link): KV {
  const publish = publisherTo(name, link);
  bucket.update = async (key: string, value: Payload, revision: number, timeoutMs = defaultTimeoutMs) => {
    await nextSending();
    return (await publish([{ key, value, revision }], timeoutMs)).seq;
  };
  return bucket;
}

/**
 * As `withCheapUpdates`. Where many are updated at the same moment, JetStream stores them together, and so writes to the disk
 * a few times for all. If it refuses them, which one of them is enough for, they are sent one by one. The stream of the
 * bucket has to take batches. If it turns out that it does not, as NATS or the bucket is another one by then, all are sent
 * one by one from then on.
 */
export function withUpdatesTogether(bucket: KV, name: BucketName, link: Link): KV {
  const publish = publisherTo(name, link);
  let gathered: GatheredUpdate[] = [];
  let areBatchesTaken = true;
  const sendOne = (update: GatheredUpdate, timeoutMs: number) =>
    publish([update], timeoutMs).then(({ seq }) => update.resolve(seq), update.reject);
  const sendTogether = async (updates: GatheredUpdate[], timeoutMs: number) => {
    const sentAt = performance.now();
    try {
      const { seq, count } = await publish(updates, timeoutMs);
      // Otherwise each was stored or refused by itself, and only of the last one is known which.
      const isWhole = count === updates.length;
      areBatchesTaken &&= isWhole;
      for (const [index, { resolve, reject }] of updates.entries()) {
        if (isWhole) resolve(seq - updates.length + 1 + index);
        else reject(new TimeoutError());
      }
    } catch (error) {
      if (error instanceof JetStreamApiError) {
        if (error.code === batchesAreOff) areBatchesTaken = false;
        const leftMs = Math.max(1, timeoutMs - (performance.now() - sentAt));
        for (const update of updates) void sendOne(update, leftMs);
      } else for (const { reject } of updates) reject(error);
    }
  };
  const send = () => {
    const byTimeout = Map.groupBy(gathered, ({ timeoutMs }) => timeoutMs);
    gathered = [];
    for (const [timeoutMs, due] of byTimeout) {
      while (areBatchesTaken && due.length >= fewestTogether)
        void sendTogether(due.splice(0, maxBatchMessages), timeoutMs);
      for (const update of due) void sendOne(update, timeoutMs);
    }
  };
  bucket.update = (key: string, value: Payload, revision: number, timeoutMs = defaultTimeoutMs) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    if (gathered.length === 0) void nextSending().then(send);
    gathered.push({ key, value, revision, timeoutMs, resolve, reject });
    return promise;
  };
  return bucket;
}

/**
 * What stores updates in one batch, or one alone. It resolves to the revision of the last one, and to how many JetStream
 * has stored with it. If these are all, the others have the revisions right before it. Rejects as nats.js does.
 */
function publisherTo(
  name: BucketName,
  { connection, inboxPrefix }: Link,
): (updates: Update[], timeoutMs: number) => Promise<{ seq: number; count: number }> {
  const answers = new Inbox<Answer>(connection, answerOf, inboxPrefix);
  return async (updates, timeoutMs) => {
    const id = nuid.next();
    const answer = await answerTo(answers, timeoutMs, (reply) => {
      for (const [index, { key, value, revision }] of updates.entries()) {
        const isLast = index === updates.length - 1;
        const headers = headersOf({
          "Nats-Expected-Last-Subject-Sequence": String(revision),
          ...(updates.length > 1 && batchHeaders(id, index + 1, isLast)),
        });
        connection.publish(keySubject(name, key), value, { headers, ...(isLast && { reply }) });
      }
    });
    if (answer?.error) throw new JetStreamApiError(answer.error);
    if (answer?.seq === undefined) throw new TimeoutError();
    return { seq: answer.seq, count: answer.count ?? 1 };
  };
}

/** Without a stream that takes the subject NATS answers with a message without data. */
function answerOf(message: Msg): Answer {
  return message.data.length === 0 ? {} : message.json<Answer>();
}
