import { DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { LoggedCommand } from "../../../../libs/commands/messages/command.ts";
import { commandOfMessage } from "../../../../libs/commands/messages/command.ts";
import { streamOf } from "../../../../libs/commands/messages/subjects.ts";
import { storedMessages } from "../../../../libs/nats/stored-messages.ts";

/** Which commands of a log are wanted. */
export interface LogSearch {
  processor: string;
  /** The first sequence. */
  from: number;
  /** How many at most. */
  limit: number;
  /** Unix ms: when JetStream has stored them, by its clock. */
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
  /** Whether a command is wanted. It may have to be looked up what became of it. */
  isWanted: (command: LoggedCommand) => boolean | Promise<boolean>;
  /** How many commands are looked at, wanted or not. */
  scanned: number;
}

const fetchedAtOnce = 500;

/**
 * Looks for commands in a log, in sequence; their data is empty. `next` is where to go on, undefined at the end. It
 * may be there although nothing was found: then so many were looked at as may be.
 */
export async function searchLog(
  connection: NatsConnection,
  { processor, from, limit, sinceMs, untilMs, isWanted, scanned }: LogSearch,
): Promise<{ found: LoggedCommand[]; next: number | undefined }> {
  const found: LoggedCommand[] = [];
  const isFromStart = sinceMs === undefined || from > 1;
  const consumer = await jetstream(connection).consumers.get(streamOf(processor), {
    headers_only: true,
    ...(isFromStart
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(from, 1) }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(sinceMs).toISOString() }),
  });
  let looked = 0;
  for await (const message of storedMessages(consumer, Math.min(scanned, fetchedAtOnce))) {
    const command = commandOfMessage(processor, message);
    const { storedAtMs, sequence } = command;
    if (untilMs !== undefined && storedAtMs > untilMs) return { found, next: undefined };
    if (found.length === limit || looked === scanned) return { found, next: sequence };
    looked++;
    const isInTime = sinceMs === undefined || storedAtMs >= sinceMs;
    if (isInTime && (await isWanted(command))) found.push(command);
  }
  return { found, next: undefined };
}

/** The command at a sequence, with its data; undefined if the log does not have it. */
export async function readCommand(
  connection: NatsConnection,
  processor: string,
  sequence: number,
): Promise<LoggedCommand | undefined> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  // JetStream has no sequence 0.
  const message = await manager.streams.getMessage(streamOf(processor), { seq: Math.max(sequence, 1) });
  if (!message) return undefined;
  const { seq, data, time, header: headers } = message;
  return commandOfMessage(processor, { seq, data, time, headers });
}
