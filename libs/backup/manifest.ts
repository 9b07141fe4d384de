import type { StreamState } from "@nats-io/jetstream";
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

/**
 * What is wrong with a log that was restored, in words; undefined if nothing is. The snapshot was taken between
 * two looks at the stream, so what it holds lies between what these have seen.
 */
export function restoredLogProblem({ state, after }: LogBackup, restored: StreamState): string | undefined {
  const lies = (value: number, low: number, high: number) => value >= low && value <= high;
  if (!lies(restored.first_seq, state.first_seq, after.first_seq)) {
    return `it begins with ${restored.first_seq} and not with ${state.first_seq}`;
  }
  if (!lies(restored.last_seq, state.last_seq, after.last_seq)) {
    return `it ends with ${restored.last_seq} and not with ${state.last_seq}`;
  }
  const missing = restored.last_seq - restored.first_seq + 1 - restored.messages;
  const deleted = Math.max(state.num_deleted ?? 0, after.num_deleted ?? 0);
  if (restored.messages > 0 && missing > deleted) {
    return `${missing - deleted} of its commands are missing`;
  }
  return undefined;
}
