import type { Consumer, JsMsg } from "@nats-io/jetstream";
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";

/**
 * Yields the messages that a consumer has to deliver now, in order, and does not wait for more. It asks NATS
 * for `fetched` of them at a time.
 */
export async function* storedMessages(consumer: Consumer, fetched: number): AsyncGenerator<JsMsg> {
  // A consumer without messages would yield nothing, and never end.
  if ((await consumer.info()).num_pending === 0) return;
  const messages = await consumer.consume({ max_messages: fetched });
  try {
    for await (const message of messages) {
      yield message;
      if (message.info.pending === 0) return;
    }
  } finally {
    messages.stop();
  }
}

/**
 * Up to `limit` messages of a stream, in sequence, from the sequence `from` on. With `headersOnly` their data is
 * empty.
 */
export async function readPage(
  connection: NatsConnection,
  stream: string,
  { from, limit, headersOnly = false }: { from: number; limit: number; headersOnly?: boolean },
): Promise<JsMsg[]> {
  const page: JsMsg[] = [];
  const consumer = await jetstream(connection).consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(from, 1),
    headers_only: headersOnly,
  });
  for await (const message of storedMessages(consumer, limit)) {
    page.push(message);
    if (page.length === limit) break;
  }
  return page;
}
