import { storedLines } from "../../../libs/commands/outcomes/ingestion-lines.ts";
import type { IngestionRecord } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { Backend } from "../fleet/backend.ts";
import { askOwner } from "./owner.ts";

/**
 * The record of an ingestion as its owner has it, else as it is persisted; undefined if there is none. A
 * record whose owner has died is completed from the log first.
 */
export async function findIngestion(
  backend: Backend,
  processor: string,
  ingestion: string,
): Promise<IngestionRecord | undefined> {
  const found = await backend.stores.ingestions.get(processor, ingestion);
  if (found?.record.state !== "accepting") return found?.record;
  const answer = await askOwner(backend.nats.connection, found.record);
  if (answer === "none") return completeRecord(backend, found.record, found.revision);
  return answer === "silent" ? found.record : answer;
}

/**
 * Counts the lines that the log has and the record does not, because its owner has died. Persists the record
 * as `interrupted`.
 */
async function completeRecord(
  { logs, stores: { ingestions } }: Backend,
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
  // If it was not written, somebody else has: the request was sent again, and its gateway is the owner now.
  return isWritten ? record : (await ingestions.get(record.processor, record.ingestion))?.record;
}
