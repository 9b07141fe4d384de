import type { Json, JsonObject } from "./json.ts";
import type { Method, rpcs } from "./rpcs.ts";

/** What an Observe carries; every field may be missing. Field names are the proto's. */
export interface Observation {
  strings?: string[];
  /** Any JSON is representable; KATO takes lists of numbers of one length. */
  vectors?: Json[][];
  /** float32 on the wire. */
  emotives?: Record<string, number>;
  metadata?: Record<string, string>;
  unique_id?: string;
  path?: string[];
  source?: string;
}

/** The plain form of each request message. */
export interface RequestMessages {
  Empty: Record<string, never>;
  Observation: Observation;
  /** float32 on the wire. */
  GeneData: { genes?: Record<string, number> };
  /** int32 on the wire: only 0 is of use. */
  Increment: { value?: number };
  Gene: { gene: string };
  Name: { name: string };
  ModelUpdate: { name: string; frequency?: number; emotives?: JsonObject[] };
  UniqueId: { unique_id: string };
  TargetClassRequest: { target_class: string };
}

export type RequestOf<M extends Method> = RequestMessages[(typeof rpcs)[M]["request"]];

/**
 * The plain form of every response: an RPC uses `message` or `response`, Observe `message` and `unique_id`.
 */
export interface KatoResponse {
  status: "OKAY" | "FAILED";
  /** The processor's id. */
  id: string;
  /** KATO's count of Observes since its start or its last ClearAllMemory. */
  interval: number;
  /** float32 seconds, in steps of 128 s: of no use but to pass on. */
  time_stamp: number;
  message?: string;
  response?: Json;
  unique_id?: string;
}
