import type { Consumer, JsMsg } from "@nats-io/jetstream";

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
