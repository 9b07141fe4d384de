import type { NatsConnection } from "@nats-io/transport-node";
import { readPage } from "../../nats/stored-messages.ts";
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
  const page = await readPage(connection, streamOf(processor), { from, limit, headersOnly: true });
  return page.map((message) => commandOfMessage(processor, message));
}
