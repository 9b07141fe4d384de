import { status as grpc } from "@grpc/grpc-js";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { encodeSequenceResults, sequenceMethod } from "../../../libs/kato/compound-commands.ts";
import type { CallResult } from "../../../libs/kato/unary-call.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { Interrupted } from "../interruptions.ts";

/** What came of a step or a query; its place in the log and the interval that clients see are the applier's to add. */
export type Result = Omit<Reply, "sequence" | "interval">;

/** A result without any effect on the instance. */
export function refused(grpcStatus: number, detail: string): Result {
  return { outcome: "failed", grpcStatus, detail, autoLearnedModel: "", data: new Uint8Array() };
}

/** What a call says. Throws Interrupted where it says nothing. */
export function resultOf(result: CallResult): Result {
  // What gRPC says besides may name what is internal, so it stays in the log.
  if (result.kind === "answered") return refused(result.status, "");
  if (result.kind !== "response") throw new Interrupted(result.details);
  const outcome = readResponseFields(result.bytes).failed ? "failed" : "applied";
  return { outcome, grpcStatus: grpc.OK, detail: "", autoLearnedModel: "", data: result.bytes };
}

/** The result of a step that was begun and of which nothing can be proved (A7). */
export function unknown(detail: string): Result {
  return { ...refused(grpc.UNKNOWN, detail), outcome: "unknown" };
}

/** What came of a whole command: of one RPC its result, of a Sequence all of them in one. */
export function resultOfSteps(method: string, results: readonly (Result | undefined)[]): Result {
  if (method !== sequenceMethod) return results[0] ?? unknown("its answer was not seen");
  const worst =
    results.find((result) => result?.outcome === "unknown") ??
    results.find((result) => result?.outcome === "failed");
  return {
    outcome: worst?.outcome ?? "applied",
    grpcStatus: worst?.grpcStatus ?? grpc.OK,
    detail: worst?.detail ?? "",
    autoLearnedModel: "",
    data: encodeSequenceResults(
      Array.from(results, (result) => ({
        response: result?.data ?? new Uint8Array(),
        auto_learned_model: result?.autoLearnedModel ?? "",
      })),
    ),
  };
}

/** Of what was not started while somebody waited for it. */
export const notStartedInTime: Result = {
  ...refused(grpc.DEADLINE_EXCEEDED, "not started in time"),
  outcome: "expired",
};

/** Of a query that another worker will answer: this one is giving the processor up. */
export const handedOver: Result = {
  ...refused(grpc.ABORTED, "the processor is being handed over"),
  outcome: "expired",
};

/** Of what was not started because its instance is away. */
export const instanceAway: Result = {
  ...refused(grpc.UNAVAILABLE, "the instance cannot be reached"),
  outcome: "expired",
};
