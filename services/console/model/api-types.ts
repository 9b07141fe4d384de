// What the gateway answers, as far as the console shows it (docs/api.md).

export interface Processor {
  id: string;
  name: string;
  endpoint: string;
  grpc_tls: boolean;
  source: string;
  paused: boolean;
  paused_by?: string;
  healthy: boolean;
  state: State;
  since?: string;
  reason?: string;
  degraded?: string;
  foreign_observes?: { count: number; last: string };
  worker?: string;
  last?: number;
  applied: number | null;
  depth: number | null;
  oldest_seconds: number | null;
  rate?: number;
  interval?: number;
}

export const states = ["held", "down", "unowned", "rebuilding", "paused", "applying", "ready"] as const;
export type State = (typeof states)[number];

/** A processor's answer: what it said, and when it was. */
export interface Answer<T> {
  id: string;
  interval: number;
  message: T;
}

export type Event = string[];

export interface Prediction {
  name: string;
  frequency: number;
  past: Event[];
  present: Event[];
  future: Event[];
  matches: string[];
  missing: string[];
  extras: string[];
  emotives: Record<string, number>;
  potential: number;
  evidence: number;
  confidence: number;
  similarity: number;
  snr: number;
  fragmentation: number;
  itfdf_similarity: number;
  confluence: number;
  entropy: number;
  hamiltonian: number;
  grand_hamiltonian: number;
}

/** A command of the log. */
export interface LogEntry {
  sequence: number;
  command: string;
  method: string;
  time: string;
  sender?: string;
  deadline?: string;
  outcome: string | null;
}

export interface LogPage {
  commands: LogEntry[];
  next?: number;
}

/** A command of the log, or a dead letter, with what it asks for. */
export interface WithRequest {
  request: unknown;
  bytes?: number;
}

export interface DeadLetter {
  sequence: number;
  command: string;
  method: string;
  outcome: string;
  time: string;
  problem: { title: string; detail: string; status: number };
}

export interface Grants {
  processors: string[];
  scope: string;
}

export interface Session {
  principal: string;
  name: string;
  grants: Grants;
}

/** How far a bulk request is. */
export interface Ingestion {
  ingestion: string;
  processor: string;
  state: "accepting" | "queued" | "applying" | "done";
  accepted: number;
  applied: number;
  failed: number;
  unknown: number;
  lost: number;
  queued: number;
  rate: number;
  eta_seconds: number | null;
  learn?: string;
  rejected: { line: number; detail: string }[];
  rejected_count?: number;
  created_at: string;
}

/** A key of a client, without its secret. */
export interface ApiKey {
  id: string;
  name: string;
  grants: Grants;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  last_used_at: string | null;
}
