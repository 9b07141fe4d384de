import type { Msg } from "@nats-io/transport-node";
import { GatewayError } from "../errors/gateway-error.ts";
import { errorCodes, refusalOfCode } from "./publish-errors.ts";

/** JetStream's answer to one message: where it is stored, or why it is not. */
export interface PublishAnswer {
  sequence?: number;
  error?: { code: number; description: string };
}

/** The error of an answer that trying again does not help against. */
export function refusalOfAnswer(
  answer: PublishAnswer | undefined,
  processor: string,
): GatewayError | undefined {
  return answer?.error && refusalOfCode(answer.error.code, { processor });
}

/** The error of too long a silence. */
export function unavailable(processor: string): GatewayError {
  return new GatewayError("NATS_UNAVAILABLE", "NATS does not acknowledge what is sent.", {
    processor,
    retryAfterSeconds: 1,
  });
}

/** Whether it was refused as the log did not end with what it was to follow. */
export function isOutOfOrder(answer: PublishAnswer | undefined): boolean {
  return answer?.error?.code === errorCodes.wrongLastMessageId;
}

/** That no stream takes the subject comes as a message without data. */
export function readPublishAnswer(message: Pick<Msg, "data" | "json">): PublishAnswer {
  if (message.data.length === 0) return { error: { code: 0, description: "no responders" } };
  const answer = message.json<{ seq?: number; error?: { err_code?: number; description?: string } }>();
  if (answer.error) {
    const { err_code: code = 0, description = "" } = answer.error;
    return { error: { code, description } };
  }
  return answer.seq === undefined ? {} : { sequence: answer.seq };
}
