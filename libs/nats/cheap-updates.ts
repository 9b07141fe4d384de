import { JetStreamApiError } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Msg, Payload } from "@nats-io/transport-node";
import { TimeoutError } from "@nats-io/transport-node";
import type { BucketName } from "./buckets.ts";
import { keySubject } from "./buckets.ts";
import type { NatsLink } from "./connection.ts";
import { headersOf } from "./headers.ts";
import { answerTo, Inbox } from "./inbox.ts";
import { nextSending } from "./next-sending.ts";

/** JetStream's answer to a publish. */
interface Answer {
  seq?: number;
  error?: { code: number; err_code: number; description: string };
}

const defaultTimeoutMs = 5_000;

/**
 * Gives a bucket an `update` that costs a tenth of that of nats.js, for buckets whose keys are written by the thousand
 * a second. Whatever is updated within a few turns of the event loop goes to NATS in one piece. What it resolves to and
 * rejects with is the same: the new revision, a JetStreamApiError, or a TimeoutError. The key has to be one that NATS
 * takes as it is.
 */
export function withCheapUpdates(
  bucket: KV,
  name: BucketName,
  { connection, inboxPrefix }: Pick<NatsLink, "connection" | "inboxPrefix">,
): KV {
  const answers = new Inbox<Answer>(connection, answerOf, inboxPrefix);
  bucket.update = async (key: string, value: Payload, revision: number, timeoutMs = defaultTimeoutMs) => {
    const headers = headersOf({ "Nats-Expected-Last-Subject-Sequence": String(revision) });
    await nextSending();
    const answer = await answerTo(answers, timeoutMs, (reply) =>
      connection.publish(keySubject(name, key), value, { headers, reply }),
    );
    if (answer?.error) throw new JetStreamApiError(answer.error);
    if (answer?.seq === undefined) throw new TimeoutError();
    return answer.seq;
  };
  return bucket;
}

/** Without a stream that takes the subject NATS answers with a message without data. */
function answerOf(message: Msg): Answer {
  return message.data.length === 0 ? {} : message.json<Answer>();
}
