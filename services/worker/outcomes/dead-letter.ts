import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Outcome, Reply } from "../../../libs/commands/messages/reply.ts";
import type { DeadLetter } from "../../../libs/commands/outcomes/dead-letters.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";

const maxTextLength = 2_000;

/**
 * Whether a command with this outcome becomes a dead letter. It does if nobody waited for it and it did not
 * succeed.
 */
export function isDeadLetter(
  { deadlineMs }: StoredCommand,
  outcome: Outcome,
): outcome is DeadLetter["outcome"] {
  return deadlineMs === undefined && (outcome === "failed" || outcome === "unknown");
}

/** The dead letter of a command with this outcome; undefined if it does not become one. */
export function deadLetterOf(
  command: StoredCommand,
  { outcome, grpcStatus, detail, data }: Reply,
): DeadLetter | undefined {
  if (!isDeadLetter(command, outcome)) return undefined;
  const { processor, sequence, id, method, form } = command;
  const hasResponse = grpcStatus === grpc.OK && isMethod(method);
  const text = hasResponse ? (decodeResponse(method, data).message ?? "") : detail;
  return {
    processor,
    sequence,
    command: id,
    method,
    ...(form !== undefined && { form }),
    data: command.data,
    outcome,
    grpcStatus,
    text: lastLineOf(text).slice(0, maxTextLength),
    atMs: Date.now(),
  };
}
