import type { StreamState } from "@nats-io/jetstream";
import { firstSequence } from "../commands/log/log-info.ts";
import type { ProcessorEntry } from "../registry/processor-entry.ts";
import type { StreamDescription } from "./stream-snapshot.ts";

/** What a backup holds, as its manifest.json says. Later versions may add to it. */
export interface Manifest {
  /** The version of this form. */
  format: 1;
  /** ISO 8601. */
  created_at: string;
  /** The version of the nats-server that has made the snapshots. */
  nats_version: string;
  processors: ProcessorBackup[];
  /** How many lines the keys of clients have; absent if nobody has asked for them. */
  keys?: number;
}

export interface ProcessorBackup {
  id: string;
  /** Its entry in the registry before the backup paused it; absent if it is not registered. */
  entry?: ProcessorEntry;
  /** At which moment the backup has it. */
  moment: Moment;
  /** For how long the backup had it paused; 0 if that was not necessary. */
  paused_ms: number;
  /** Its command log; absent if it had none. */
  log?: LogBackup;
  /** How many lines its entries have. */
  entries: number;
}

/**
 * - `settled`: paused between two commands, with everything persisted that its instance had.
 * - `down`, `held`, `unowned`: its instance could not be reached, nobody could prove what it had, no worker ran
 *   it. Then it is as after a crash: a command may have been begun.
 */
export type Moment = "settled" | "down" | "held" | "unowned";

export interface LogBackup extends StreamDescription {
  /** The state of the stream after the snapshot. Commands may have come, and some may have been trimmed. */
  after: StreamState;
}

export const manifestFile = "manifest.json";
export const logFile = (processor: string) => `${processor}/log.tar.s2`;
export const entriesFile = (processor: string) => `${processor}/entries.ndjson`;
/** No processor has it as its id: that has no dot. */
export const keysFile = "keys.ndjson";

/** What is wrong with a log that was restored, in words. */
export interface LogProblem {
  /** It lacks commands, as those that were damaged in the log already. What it has is right. */
  isLoss: boolean;
  text: string;
}

/**
 * Compares a log that was restored with what it was; undefined if it is the same. The snapshot was taken between
 * two looks at the stream, so what it holds lies between what these have seen.
 */
export function restoredLogProblem(
  { state, after }: LogBackup,
  restored: StreamState,
): LogProblem | undefined {
  const first = firstSequence(restored);
  const [firstBefore, firstAfter] = [firstSequence(state), firstSequence(after)];
  const range = `${first} to ${restored.last_seq}`;
  if (first < firstBefore || restored.last_seq > after.last_seq) {
    const text = `it has the commands ${range}, and was ${firstBefore} to ${after.last_seq}`;
    return { isLoss: false, text };
  }
  const isEndMissing = restored.last_seq < state.last_seq;
  const isBeginningMissing = first > firstAfter;
  const holes = restored.last_seq - first + 1 - restored.messages;
  const lost = holes - Math.max(state.num_deleted ?? 0, after.num_deleted ?? 0);
  if (!isEndMissing && !isBeginningMissing && lost <= 0) return undefined;
  const missing = lost > 0 ? `, of which ${lost} are missing` : "";
  return { isLoss: true, text: `it was ${firstBefore} to ${state.last_seq}, and has ${range}${missing}` };
}
