import type { IngestionCounts, IngestionRecord } from "../../../../libs/commands/ingestion.ts";
import { noCounts, storedLines } from "../../../../libs/commands/ingestion.ts";
import { ingestionSubject } from "../../../../libs/commands/names.ts";
import { GatewayError } from "../../../../libs/errors/gateway-error.ts";
import { isNoResponders } from "../../../../libs/nats/no-responders.ts";
import type { Backend } from "../../open-backend.ts";

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
  /** Commands of the processor applied per second, lately. */
  rate: number;
  /** Until the last of it is applied, at that rate; null where it cannot be said. */
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

const ownerTimeoutMs = 1_000;

/** How an ingestion stands. Throws INGESTION_NOT_FOUND. */
export async function viewIngestion(
  backend: Backend,
  processor: string,
  ingestion: string,
): Promise<IngestionView> {
  const record = await currentRecord(backend, processor, ingestion);
  if (!record) {
    throw new GatewayError("INGESTION_NOT_FOUND", `Ingestion ${ingestion} not found`, { processor });
  }
  const { counts, applied } = await countsOf(backend, processor, ingestion);
  const { accepted, first_sequence, last_sequence, learn_sequence, rejected, rejected_count } = record;
  const end = Math.max(last_sequence ?? 0, learn_sequence ?? 0);
  const counted = counts.applied + counts.failed + counts.unknown;
  const state = stateOf(record.state === "accepting", applied >= end, counts.through > 0);
  const rate = state === "done" ? 0 : (backend.states.get(processor)?.rate ?? 0);
  return {
    ingestion,
    processor,
    state,
    intake: record.state,
    // One may be applied before its acknowledgement was read.
    accepted: Math.max(accepted, counted),
    applied: counts.applied,
    failed: counts.failed,
    unknown: counts.unknown,
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

function stateOf(isAccepting: boolean, isBehind: boolean, isBegun: boolean): IngestionView["state"] {
  if (isAccepting) return "accepting";
  if (isBehind) return "done";
  return isBegun ? "applying" : "queued";
}

/** What the applier has counted: it keeps it in its checkpoint, and lays it aside when the ingestion is idle. */
async function countsOf(
  { checkpoints, ingestions }: Backend,
  processor: string,
  ingestion: string,
): Promise<{ counts: IngestionCounts; applied: number }> {
  const entry = await checkpoints.get(processor);
  const checkpoint =
    entry?.operation === "PUT"
      ? entry.json<{ applied: number; ingestions?: Record<string, IngestionCounts> }>()
      : { applied: 0 };
  const counts =
    checkpoint.ingestions?.[ingestion] ?? (await ingestions.counts(processor, ingestion)) ?? noCounts;
  return { counts, applied: checkpoint.applied };
}

/** The record as the gateway that takes the ingestion in has it, or as it was left. */
async function currentRecord(
  backend: Backend,
  processor: string,
  ingestion: string,
): Promise<IngestionRecord | undefined> {
  const found = await backend.ingestions.get(processor, ingestion);
  if (found?.record.state !== "accepting") return found?.record;
  try {
    const subject = ingestionSubject(processor, ingestion);
    const answer = await backend.nats.connection.request(subject, "", { timeout: ownerTimeoutMs });
    return answer.json<IngestionRecord>();
  } catch (error) {
    return isNoResponders(error) ? settle(backend, found.record, found.revision) : found.record;
  }
}

/** The gateway that took it in is gone: what the log has of it beyond the record is counted, and the record says so. */
async function settle(
  { logs, ingestions }: Backend,
  left: IngestionRecord,
  revision: number,
): Promise<IngestionRecord | undefined> {
  const record: IngestionRecord = { ...left, state: "interrupted" };
  const known = Math.max(record.after, record.last_sequence ?? 0, record.learn_sequence ?? 0);
  for await (const { line, sequence } of storedLines(logs, record, known + 1)) {
    if (line === "learn") {
      record.learn_sequence = sequence;
      continue;
    }
    record.accepted++;
    record.line = line;
    record.first_sequence ??= sequence;
    record.last_sequence = sequence;
  }
  const isWritten = (await ingestions.put(record, revision)) !== undefined;
  // Else it was sent again meanwhile.
  return isWritten ? record : (await ingestions.get(record.processor, record.ingestion))?.record;
}
