import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { LoggedCommand } from "../messages/command.ts";
import { commandOfMessage } from "../messages/command.ts";
import { streamOf } from "../messages/subjects.ts";

/**
 * Reads up to `limit` commands from a processor's log, in sequence, starting at the sequence `from`. Their
 * data is empty.
 */
export async function readLogPage(
  connection: NatsConnection,
  processor: string,
  from: number,
  limit: number,
): Promise<LoggedCommand[]> {
  const page: LoggedCommand[] = [];
  const consumer = await jetstream(connection).consumers.get(streamOf(processor), {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(from, 1),
    headers_only: true,
  });
  if ((await consumer.info()).num_pending === 0) return page;
  const messages = await consumer.consume({ max_messages: limit });
  try {
    for await (const message of messages) {
      page.push(commandOfMessage(processor, message));
      if (page.length === limit || message.info.pending === 0) break;
    }
  } finally {
    messages.stop();
  }
  return page;
}
