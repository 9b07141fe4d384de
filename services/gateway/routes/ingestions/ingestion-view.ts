import { Type } from "typebox";
import type { IngestionCounts, IngestionRecord } from "../../../../libs/commands/outcomes/ingestion-store.ts";
import { noCounts } from "../../../../libs/commands/outcomes/ingestion-store.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import type { Principal } from "../../access/principal.ts";
import { maySee } from "../../access/principal.ts";
import { findIngestion } from "../../bulk/find-ingestion.ts";
import type { Backend } from "../../fleet/backend.ts";
import { isGoneFromLog } from "../../fleet/gone-from-log.ts";
import { oneOf } from "../../http/schemas.ts";
import { IngestionReport, orNull, Text, Time, Whole } from "../../openapi/schemas.ts";

/** An ingestion as clients see it (docs/api.md, Many observations). */
export interface IngestionView {
  ingestion: string;
  processor: string;
  state: "accepting" | "queued" | "applying" | "done";
  /** How the request ended: whether all of it is stored. */
  intake: IngestionRecord["state"];
  /** Observations in the log. */
  accepted: number;
  applied: number;
  failed: number;
  /** Begun, and nobody can say what became of them (A7). */
  unknown: number;
  /** Gone from the log before they were applied. */
  lost: number;
  /** Not applied yet. `accepted` is the sum of these five. */
  queued: number;
  /** Commands of the processor applied per second, lately. */
  rate: number;
  /** Seconds until the last of it is applied, at that rate; null if nobody can say. */
  eta_seconds: number | null;
  first_sequence: number | null;
  last_sequence: number | null;
  learn_sequence?: number;
  /** What became of the Learn, once it was applied. */
  learn?: string;
  rejected: IngestionRecord["rejected"];
  /** How many were refused, where `rejected` does not name them all. */
  rejected_count?: number;
  created_at: string;
}

/** The schema of `IngestionView`, for the document. */
export const Ingestion = Type.Object({
  ...IngestionReport.properties,
  processor: Text,
  state: oneOf(["accepting", "queued", "applying", "done"]),
  intake: oneOf(
    ["accepting", "complete", "stopped", "interrupted"],
    "How the request ended: whether all of it is stored",
  ),
  applied: Whole,
  failed: Whole,
  unknown: Type.Integer({ description: "Begun, and nobody can say what became of them" }),
  lost: Type.Integer({ description: "Gone from the log before they were applied" }),
  queued: Type.Integer({ description: "Not applied yet" }),
  rate: Type.Number({ description: "Commands of the processor applied per second, lately" }),
  eta_seconds: orNull(Type.Integer({ description: "Until the last of it is applied, at that rate" })),
  learn: Type.Optional(Type.String({ description: "What became of the Learn" })),
  created_at: Time,
});

/** Throws INGESTION_NOT_FOUND, also for one that this principal may not see. */
export async function ingestionView(
  backend: Backend,
  processor: string,
  ingestion: string,
  principal: Principal,
): Promise<IngestionView> {
  const record = await findIngestion(backend, processor, ingestion);
  if (!record || !maySee(principal, record.sender)) {
    throw new GatewayError("INGESTION_NOT_FOUND", `Ingestion ${ingestion} not found`, { processor });
  }
  return viewOf(backend, record, await readProgress(backend, processor));
}

/** How an ingestion stands, when its processor is so far. */
export async function viewOf(
  backend: Backend,
  record: IngestionRecord,
  { applied, ingestions: active = {}, unknownThrough = 0 }: Progress,
): Promise<IngestionView> {
  const { processor, ingestion } = record;
  const kept = active[ingestion] ?? (await backend.stores.ingestions.counts(processor, ingestion));
  const counts = kept ?? noCounts;
  const { first_sequence, last_sequence, learn_sequence, rejected, rejected_count } = record;
  const end = endOf(record);
  const counted = counts.applied + counts.failed + counts.unknown;
  const isAccepting = record.state === "accepting";
  const isGone = !isAccepting && applied < end && (await isGoneFromLog(backend, processor, end));
  const state = stateOf(isAccepting, applied >= end || isGone, counts.through > 0);
  if (state === "done" && !isGone) backend.states.passed(processor, end);
  // An observation may be applied before the gateway has read its acknowledgement.
  const accepted = Math.max(record.accepted, counted);
  const left = accepted - counted;
  // Everything up to its end has been passed, so what is not counted was not there.
  const gone = state === "done" ? left : 0;
  const isUncounted = (first_sequence ?? 0) <= unknownThrough;
  const rate = state === "done" ? 0 : (backend.states.get(processor)?.rate ?? 0);
  return {
    ingestion,
    processor,
    state,
    intake: record.state,
    accepted,
    applied: counts.applied,
    failed: counts.failed,
    unknown: counts.unknown + (isUncounted ? gone : 0),
    lost: isUncounted ? 0 : gone,
    queued: left - gone,
    rate,
    eta_seconds: state === "done" ? 0 : rate > 0 ? Math.ceil(Math.max(0, end - applied) / rate) : null,
    first_sequence,
    last_sequence,
    ...(learn_sequence !== null && { learn_sequence }),
    ...(counts.learn && { learn: counts.learn }),
    rejected,
    ...(rejected_count > rejected.length && { rejected_count }),
    created_at: record.created_at,
  };
}

/** The last sequence of an ingestion, as far as it is stored. */
export const endOf = ({ last_sequence, learn_sequence }: IngestionRecord): number =>
  Math.max(last_sequence ?? 0, learn_sequence ?? 0);

/**
 * What is read of a checkpoint: how far the processor is, and the worker's counts. Those of an ingestion that is idle
 * are in its own entry.
 */
export interface Progress {
  applied: number;
  ingestions?: Record<string, IngestionCounts>;
  unknownThrough?: number;
}

export async function readProgress(
  { stores: { checkpoints } }: Backend,
  processor: string,
): Promise<Progress> {
  const entry = await checkpoints.get(processor);
  return entry?.operation === "PUT" ? entry.json<Progress>() : { applied: 0 };
}

function stateOf(isAccepting: boolean, isApplied: boolean, isBegun: boolean): IngestionView["state"] {
  if (isAccepting) return "accepting";
  if (isApplied) return "done";
  return isBegun ? "applying" : "queued";
}
