import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { encodeSequenceResults, sequenceMethod } from "../../../libs/kato/compound-commands.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { Interrupted } from "./interruptions.ts";

/** How a step or a query ended. A reply adds its place in the log and the interval that clients see. */
export type StepOutcome = Omit<Reply, "sequence" | "interval">;

/** The outcome of a step or a query that was refused and had no effect on the instance. */
export function refused(grpcStatus: number, detail: string): StepOutcome {
  return { outcome: "failed", grpcStatus, detail, autoLearnedModel: "", data: new Uint8Array() };
}

/**
 * The outcome of a step or a query that is one call. Throws Interrupted if the call was not sent, or if its
 * end was not seen.
 */
export function outcomeOf(result: CallResult): StepOutcome {
  // The text of a gRPC error may name internal things. So it is only logged.
  if (result.kind === "answered") return refused(result.status, "");
  if (result.kind !== "response") throw new Interrupted(result.details);
  const outcome = readResponseFields(result.bytes).failed ? "failed" : "applied";
  return { outcome, grpcStatus: grpc.OK, detail: "", autoLearnedModel: "", data: result.bytes };
}

/** The outcome of a step that was begun and of which nothing can be proved (A7). */
export function unknown(detail: string): StepOutcome {
  return { ...refused(grpc.UNKNOWN, detail), outcome: "unknown" };
}

/**
 * The outcome of a whole command. That of one RPC is the outcome of its step. That of a Sequence is the worst
 * of its steps, with the responses of all of them.
 */
export function outcomeOfSteps(method: string, steps: readonly (StepOutcome | undefined)[]): StepOutcome {
  if (method !== sequenceMethod) return steps[0] ?? unknown("its answer was not seen");
  const worst =
    steps.find((step) => step?.outcome === "unknown") ?? steps.find((step) => step?.outcome === "failed");
  return {
    outcome: worst?.outcome ?? "applied",
    grpcStatus: worst?.grpcStatus ?? grpc.OK,
    detail: worst?.detail ?? "",
    autoLearnedModel: "",
    data: encodeSequenceResults(
      Array.from(steps, (step) => ({
        response: step?.data ?? new Uint8Array(),
        auto_learned_model: step?.autoLearnedModel ?? "",
      })),
    ),
  };
}

/** The outcome of a command or query that was not started while somebody waited for it. */
export const notStartedInTime: StepOutcome = {
  ...refused(grpc.DEADLINE_EXCEEDED, "not started in time"),
  outcome: "expired",
};

/** The outcome of a query that another worker will answer, because this one is giving the processor back. */
export const handedOver: StepOutcome = {
  ...refused(grpc.ABORTED, "the processor is being handed over"),
  outcome: "expired",
};

/** The outcome of a command or query that was not started because the instance cannot be reached. */
export const instanceAway: StepOutcome = {
  ...refused(grpc.UNAVAILABLE, "the instance cannot be reached"),
  outcome: "expired",
};

/** The outcome of a command that was left out because another command of its Idempotency-Key was started. */
export const keyTaken: StepOutcome = refused(
  grpc.ALREADY_EXISTS,
  "another command of this Idempotency-Key was started",
);
