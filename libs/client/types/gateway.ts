import type { CommandState } from "./processor.ts";

// The gateway itself, its processors as operators see them, and who may do what.

/** The fields of every problem (RFC 9457). */
export interface Problem {
  /** What it is, for programs to branch on: `urn:kato:problem:…`. */
  type: string;
  title: string;
  status: number;
  detail: string;
  retryable: boolean;
  request_id: string;
  processor?: string;
  effect?: "none" | "applied" | "unknown";
  command?: string;
  sequence?: number;
  /** Why the instance is away. */
  reason?: string;
  errors?: { field: string; detail: string }[];
}

export interface Home {
  name: "KATO gateway";
  version: string;
  ready: boolean;
  reason?: string;
  links: Record<string, string>;
}

/** A processor as operators see it. */
export interface Processor {
  id: string;
  name: string;
  endpoint: string;
  grpc_tls: boolean;
  source: string;
  paused: boolean;
  paused_by?: string;
  healthy: boolean;
  state: "ready" | "applying" | "rebuilding" | "down" | "paused" | "held" | "unowned";
  depth: number | null;
  applied: number | null;
  since?: string;
  reason?: string;
  degraded?: string;
  foreign_observes?: { count: number; last: string };
  worker?: string;
  last?: number;
  oldest_seconds: number | null;
  rate?: number;
  interval?: number;
  /** Of the calls of the commands that ended in the last five minutes. */
  latency?: { p50_ms: number; p95_ms: number; p99_ms: number; count: number };
}

export interface ProcessorPage {
  processors: Processor[];
  next?: string;
  /** Ids that are not registered, and whose command log NATS still has. */
  unregistered: string[];
}

export interface Registration {
  name?: string;
  grpc_endpoint: string;
  /** Of discovery: what has found it. */
  source?: "docker" | "kubernetes";
  /** Without it, it stays as it is. */
  grpc_tls?: boolean;
}

export interface Genome {
  status: "okay";
  connection: "okay";
  genie: string;
  genome: {
    id?: string;
    agent: string;
    description: string;
    elements: { nodes: { data: GenomeNode }[] };
  };
}

export interface GenomeNode {
  name: string;
  id: string;
  classifier: "CVC";
  search_depth: 10;
  max_predictions: number | null;
  recall_threshold: number | null;
  persistence: number | null;
}

interface Replay {
  id: string;
  from: number;
  through: number;
}

interface ReplayCounts {
  commands: number;
  observes: number;
  learns: number;
}

export type Rebuilt =
  | (Replay & { state: "rebuilt"; observes: number; events: number; degraded: string })
  | (Replay & ReplayCounts & { dry_run: true });
/** The replay is decided, and goes on by itself. */
export type Replaying = Replay & ReplayCounts & { state: "rebuilding" };

export interface Adopted {
  id: string;
  state: "adopted";
  applied: number;
}

export interface LoggedCommand {
  sequence: number;
  command: string;
  method: string;
  time: string;
  sender?: string;
  deadline?: string;
  /** Null where it is not known any more. */
  outcome: CommandState | null;
}

/** A command with what it asks for; null where nobody can read that. */
export type LoggedRequest = LoggedCommand & { bytes: number; request: unknown };

export interface LogPage {
  commands: LoggedCommand[];
  next?: number;
}

export interface DeadLetter {
  sequence: number;
  command: string;
  method: string;
  outcome: "failed" | "unknown";
  time: string;
  problem: Omit<Problem, "request_id">;
}

export type DeadLetterRequest = DeadLetter & { request: unknown };

export interface DeadLetterPage {
  dead_letters: DeadLetter[];
  next?: number;
}

export type Scope = "read" | "write" | "operate" | "admin" | "discovery";

export interface Grants {
  /** Ids, or beginnings of ids followed by `*`. */
  processors: string[];
  scope: Scope;
  source?: "docker" | "kubernetes";
}

export interface Session {
  principal: string;
  name: string;
  grants: Grants;
}

export interface Key {
  id: string;
  name: string;
  grants: Grants;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  last_used_at: string | null;
}

/** `key` is the key itself, which is shown this once. */
export type MadeKey = Key & { key: string };
export type RotatedKey = MadeKey & { previous_expires_at: string };

export interface KeyPage {
  keys: Key[];
  next?: string;
}

export interface KeyRequest {
  name: string;
  grants: Grants;
  expires_at?: string;
}

export interface AuditEntry {
  sequence: number;
  time: string;
  action: string;
  principal: string;
  name: string;
  address: string;
  request: string;
  method: string;
  path: string;
  status: number;
  processor?: string;
  detail?: Record<string, unknown>;
}

export interface AuditPage {
  entries: AuditEntry[];
  next?: number;
}
