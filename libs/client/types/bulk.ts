import type { Observation, Observed, Prediction } from "./processor.ts";

/** How much of a bulk request is stored. */
export interface IngestionReport {
  ingestion: string;
  accepted: number;
  first_sequence: number | null;
  last_sequence: number | null;
  learn_sequence?: number;
  /** The first hundred that were refused. */
  rejected: { line: number; detail: string }[];
  /** How many, where `rejected` does not name them all. */
  rejected_count?: number;
}

/** How a bulk request stands. */
export interface Ingestion extends IngestionReport {
  processor: string;
  state: "accepting" | "queued" | "applying" | "done";
  intake: "accepting" | "complete" | "stopped" | "interrupted";
  applied: number;
  failed: number;
  unknown: number;
  lost: number;
  queued: number;
  rate: number;
  eta_seconds: number | null;
  learn?: string;
  created_at: string;
}

/** The bulk requests of which something is not applied yet. */
export interface IngestionPage {
  ingestions: Ingestion[];
  next?: number;
}

/** What is told of one line as soon as it is stored or refused. The Learn at the end has no line. */
export type Receipt =
  | { line: number; sequence: number | null }
  | { line: number; error: string; retryable?: boolean }
  | { learn_sequence: number | null };

/** Several observations as one command. */
export interface SequenceRequest {
  observations: Observation[];
  learn_after_each?: boolean;
  learn_at_end?: boolean;
  clear_working_memory_between?: boolean;
}

/** What KATO failed at, in the place of what it would have answered. */
export interface StepFailure {
  status: "failed";
  detail: string;
  unique_id?: string;
}

export interface SequenceResults {
  results: ((Observed & { unique_id: string }) | StepFailure)[];
  learned: (string | StepFailure)[];
  predictions: Prediction[] | StepFailure;
}
