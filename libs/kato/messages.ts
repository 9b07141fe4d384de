import type { Json, JsonObject } from "./json.ts";
import type { Method, rpcs } from "./rpcs.ts";

/** The request of an Observe. Fields are called as in proto/kato_proc.proto, and each may be left out. */
export interface Observation {
  strings?: string[];
  /** KATO accepts only lists of numbers, all of one length. */
  vectors?: Json[][];
  /** float32 on the wire. */
  emotives?: Record<string, number>;
  metadata?: Record<string, string>;
  unique_id?: string;
  path?: string[];
  source?: string;
}

/** The plain form of each request message, by its name in proto/kato_proc.proto. */
export interface RequestMessages {
  Empty: Record<string, never>;
  Observation: Observation;
  /** float32 on the wire. */
  GeneData: { genes?: Record<string, number> };
  /** int32 on the wire. Only 0 is of use (docs/kato.md, "RPC by RPC"). */
  Increment: { value?: number };
  Gene: { gene: string };
  Name: { name: string };
  ModelUpdate: { name: string; frequency?: number; emotives?: JsonObject[] };
  UniqueId: { unique_id: string };
  TargetClassRequest: { target_class: string };
}

/** The plain form of an RPC's request. */
export type RequestOf<M extends Method> = RequestMessages[(typeof rpcs)[M]["request"]];

/**
 * The plain form of every response. An RPC answers in `message` or in `response`; Observe in `message` and
 * `unique_id`.
 */
export interface KatoResponse {
  status: "OKAY" | "FAILED";
  /** The processor's id. */
  id: string;
  /** KATO's count of Observes since its start or its last ClearAllMemory. */
  interval: number;
  /** Unix seconds as a float32, so in steps of 128 s. It is only passed on. */
  time_stamp: number;
  message?: string;
  response?: Json;
  unique_id?: string;
}

/**
 * The last line of the text of a failure. KATO's text is a Python traceback, whose last line says what was
 * wrong (docs/kato.md, "Every RPC").
 */
export function lastLineOf(text = ""): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
