import type { JetStreamClient } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Command } from "../messages/command.ts";
import { headersOfCommand } from "../messages/command.ts";
import { commandSubject } from "../messages/subjects.ts";
import { refusalOf, unanswered } from "./publish-errors.ts";

/** What JetStream has acknowledged. */
export interface Stored {
  sequence: number;
  /** Whether the log already had a command with this id. */
  duplicate: boolean;
}

const publishTimeoutMs = 2_000;
const publishAttempts = 3;

/**
 * Publishes a command until it is acknowledged, refused, or all attempts got no answer; see
 * CommandLogs.append.
 */
export async function publishCommand(
  connection: Pick<NatsConnection, "isClosed">,
  streams: Pick<JetStreamClient, "publish">,
  command: Command,
): Promise<Stored> {
  let lastError: unknown;
  for (let attempt = 1; attempt <= publishAttempts; attempt++) {
    try {
      const ack = await streams.publish(commandSubject(command.processor), command.data, {
        headers: headersOfCommand(command),
        timeout: publishTimeoutMs,
      });
      return { sequence: ack.seq, duplicate: ack.duplicate };
    } catch (error) {
      const refusal = refusalOf(error, command.processor);
      if (refusal) {
        // After an earlier attempt without an answer the log may have the command all the same.
        throw attempt === 1 ? refusal : unanswered(command.processor, error);
      }
      if (connection.isClosed()) break;
      lastError = error;
    }
  }
  throw unanswered(command.processor, lastError);
}
