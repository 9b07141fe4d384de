import type { NatsConnection } from "@nats-io/transport-node";
import type { Inbox } from "../../nats/inbox.ts";
import { answerTo } from "../../nats/inbox.ts";
import { nextSending } from "../../nats/next-sending.ts";
import type { Command } from "../messages/command.ts";
import { headersOfCommand } from "../messages/command.ts";
import { commandSubject } from "../messages/subjects.ts";
import type { PublishAnswer } from "./publish-answer.ts";
import { notSent, refusalOf, unanswered } from "./publish-errors.ts";

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
  connection: Pick<NatsConnection, "publish">,
  answers: Pick<Inbox<PublishAnswer>, "expect">,
  command: Command,
): Promise<Stored> {
  const { processor, data } = command;
  const headers = headersOfCommand(command);
  for (let attempt = 1; attempt <= publishAttempts; attempt++) {
    await nextSending();
    const answer = await answerTo(answers, publishTimeoutMs, (reply) =>
      connection.publish(commandSubject(processor), data, { headers, reply }),
    ).catch((error: unknown) => {
      throw attempt === 1 ? notSent(processor, error) : unanswered(processor, error);
    });
    if (answer?.sequence !== undefined) {
      return { sequence: answer.sequence, duplicate: answer.duplicate === true };
    }
    // After an earlier attempt without an answer the log may have the command all the same.
    if (answer?.error) throw attempt === 1 ? refusalOf(answer.error, processor) : unanswered(processor);
  }
  throw unanswered(processor);
}
