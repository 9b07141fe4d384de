import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { storedMessages } from "../../nats/stored-messages.ts";
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
  for await (const message of storedMessages(consumer, limit)) {
    page.push(commandOfMessage(processor, message));
    if (page.length === limit) break;
  }
  return page;
}
