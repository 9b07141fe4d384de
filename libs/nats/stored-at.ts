import type { JsMsg } from "@nats-io/jetstream";

/**
 * Unix ms at which JetStream stored a message that a consumer delivers: the same as the stream itself tells. The `time`
 * of nats.js takes the nanoseconds for a number, which cannot hold all of them: for one message in ten thousand it is a
 * millisecond later.
 */
export function storedAtMsOf({ timestampNanos }: Pick<JsMsg, "timestampNanos">): number {
  return Number(timestampNanos / 1_000_000n);
}
