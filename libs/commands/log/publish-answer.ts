import type { Msg } from "@nats-io/transport-node";
import { GatewayError } from "../../errors/gateway-error.ts";
import type { PublishRefusal } from "./publish-errors.ts";
import { errorCodes, refusalOfCode } from "./publish-errors.ts";

/**
 * JetStream's answer to one publish, or to the last of a batch: the sequence if the message is stored, else why it
 * is not.
 */
export interface PublishAnswer {
  sequence?: number;
  /** How many messages the batch has; absent if it was no batch. */
  count?: number;
  /** Whether it was stored before, under the same message id. */
  duplicate?: boolean;
  error?: PublishRefusal;
}

/**
 * The error to report for an answer after which sending again cannot help; undefined for any other answer.
 */
export function refusalOfAnswer(
  answer: PublishAnswer | undefined,
  processor: string,
): GatewayError | undefined {
  return answer?.error && refusalOfCode(answer.error.code, { processor });
}

/** The error to report when JetStream gives no answer for too long. */
export function unavailable(processor: string): GatewayError {
  return new GatewayError("NATS_UNAVAILABLE", "NATS does not acknowledge what is sent.", {
    processor,
    retryAfterSeconds: 1,
  });
}

/** Whether the message was refused because the log did not end with the message that it had to follow. */
export function isOutOfOrder(answer: PublishAnswer | undefined): boolean {
  return answer?.error?.code === errorCodes.wrongLastMessageId;
}

/**
 * Reads the answer in a message. If no stream takes the subject, NATS answers with a message without data.
 */
export function readPublishAnswer(message: Pick<Msg, "data" | "json">): PublishAnswer {
  if (message.data.length === 0) return { error: { code: 0, description: "no responders" } };
  const answer = message.json<JetStreamAnswer>();
  if (answer.error) {
    const { err_code: code = 0, description = "" } = answer.error;
    return { error: { code, description } };
  }
  const { seq: sequence, count, duplicate } = answer;
  if (sequence === undefined) return {};
  return { sequence, duplicate: duplicate === true, ...(count !== undefined && { count }) };
}

interface JetStreamAnswer {
  seq?: number;
  count?: number;
  duplicate?: boolean;
  error?: { err_code?: number; description?: string };
}
