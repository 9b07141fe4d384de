// What is asked of one processor, and what it answers. test/unit/client/types.test.ts holds that these are what the
// gateway's routes have.

/** One event: symbols, vectors and emotives that belong together. */
export interface Observation {
  strings?: string[];
  /** All of one length. */
  vectors?: number[][];
  emotives?: Record<string, number>;
  metadata?: Record<string, string>;
  /** Made by the gateway where it is missing. */
  unique_id?: string;
  source?: string;
  path?: string[];
}

/** Every answer of a processor. */
export interface Envelope<Message> {
  id: string;
  /** How many observations the processor has had. */
  interval: number;
  /** The gateway's clock in Unix seconds. */
  time_stamp: number;
  status: "okay";
  message: Message;
}

/** The answer to a command that is stored and not waited for. */
export interface Queued {
  id: string;
  time_stamp: number;
  status: "okay";
  command: string;
  sequence: number;
  state: "queued";
}

/** The answer of the gateway itself that something is done. */
export interface Done<Message extends string> {
  id: string;
  time_stamp: number;
  status: "okay";
  message: Message;
}

export interface Observed {
  status: "observed";
  /** The model that KATO has just learned by itself, else empty. */
  auto_learned_model: string;
}

/** Each event is a list of symbols. */
export type Events = string[][];

export interface Prediction {
  name: string;
  type: string;
  frequency: number;
  potential: number;
  confidence: number;
  evidence: number;
  fragmentation: number;
  hamiltonian: number;
  grand_hamiltonian: number;
  entropy: number;
  itfdf_similarity: number;
  confluence: number;
  snr: number;
  similarity: number;
  /** Symbols of the present that were not observed. */
  missing: string[];
  matches: string[];
  /** Symbols that were observed and are not the model's. */
  extras: string[];
  past: Events;
  present: Events;
  future: Events;
  emotives: Record<string, number>;
}

export interface Model {
  name: string;
  frequency: number;
  length: number;
  sequence: Events;
  emotives: Record<string, number>[] | Record<string, number>;
}

export interface ModelChange {
  frequency: number;
  emotives?: Record<string, number>[];
}

export interface InstanceStatus {
  name: string;
  time: number;
  num_observe_call: number;
  size_WM: number;
  SLEEPING: boolean;
  PREDICT: boolean;
  AUTOLEARN: boolean;
  emotives: Record<string, number>;
  target: string | null;
  vectors_kb: string;
  models_kb: string;
  last_command: string;
  last_learned_model_name: string;
}

/** The latest observation as it was sent. */
export interface PerceptData {
  strings?: string[];
  vectors?: number[][];
  emotives?: Record<string, number>;
  metadata?: Record<string, string>;
  path?: string[];
}

export interface CognitionData {
  predictions: Prediction[];
  emotives: Record<string, number>;
  symbols: string[];
  command: string;
  metadata: Record<string, string>;
  path: string[];
  strings: string[];
  vectors: number[][];
  working_memory: Events;
}

export type CommandState = "queued" | "applied" | "failed" | "expired" | "unknown";

/** What became of a command. */
export interface CommandOutcome {
  id: string;
  time_stamp: number;
  status: "okay";
  command: string;
  method: string;
  state: CommandState;
  sequence?: number;
  interval?: number;
  /** What the route would have answered: its message, or its problem. */
  response?: unknown;
}

/** The genes that can be set. */
export interface Genes {
  recall_threshold?: number;
  max_sequence_length?: number;
  persistence?: number;
  smoothness?: number;
  always_update_frequencies?: boolean | number;
}
